-- DropIndex
DROP INDEX "invoices_currency_paid_at_plan_key_country_amount_paid_tota_idx";

-- What was paid in a month, and what it adds up to, from the index alone; the revenue of a running month, too.
CREATE INDEX "invoices_paid" ON "invoices" ("paid_at", "created_at")
	INCLUDE ("currency", "status", "plan_key", "country", "total", "tax", "amount_paid", "amount_remaining", "credited_amount",
		"refunded_amount")
	WHERE "paid_at" IS NOT NULL;

-- Customers won and lost: a few of the movements.
CREATE INDEX "mrr_movements_heads" ON "mrr_movements" ("customers", "at") INCLUDE ("kind", "currency", "plan_key")
	WHERE "customers" <> 0;
