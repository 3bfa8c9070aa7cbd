-- The search finds customers by what stands on a paper: their tax id, their id at Stripe.
CREATE INDEX "customers_tax_id_folded" ON "customers" (lower("tax_id")) WHERE "tax_id" IS NOT NULL;
CREATE INDEX "customers_stripe_folded" ON "customers" (lower("stripe_customer_id")) WHERE "stripe_customer_id" IS NOT NULL;
