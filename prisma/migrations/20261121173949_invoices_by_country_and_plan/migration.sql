-- DropIndex
DROP INDEX "invoices_country_created_at_idx";

-- CreateIndex
CREATE INDEX "invoices_country_created_at_plan_key_idx" ON "invoices"("country", "created_at", "plan_key");
