-- CreateIndex
CREATE INDEX "customers_company_name_id_idx" ON "customers"("company_name", "id");

-- CreateIndex
CREATE INDEX "customers_full_name_id_idx" ON "customers"("full_name", "id");

-- CreateIndex
CREATE INDEX "customers_country_created_at_idx" ON "customers"("country", "created_at");
