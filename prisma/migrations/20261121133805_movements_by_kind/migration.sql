-- DropIndex
DROP INDEX "mrr_movements_kind_at_idx";

-- CreateIndex
CREATE INDEX "mrr_movements_kind_at_currency_plan_key_customers_idx" ON "mrr_movements"("kind", "at", "currency", "plan_key", "customers");
