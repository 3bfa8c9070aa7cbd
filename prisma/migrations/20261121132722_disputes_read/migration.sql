-- Customers see the disputes of their own invoices; the policy is there since the table is.
GRANT SELECT ON "disputes" TO erp_tenant;
