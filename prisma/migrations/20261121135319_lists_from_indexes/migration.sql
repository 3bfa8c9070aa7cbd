-- DropIndex
DROP INDEX "customers_plan_key_created_at_idx";

-- DropIndex
DROP INDEX "tenant_deployments_created_at_idx";

-- CreateIndex
CREATE INDEX "customers_plan_key_created_at_status_idx" ON "customers"("plan_key", "created_at", "status");

-- CreateIndex
CREATE INDEX "tenant_deployments_created_at_status_idx" ON "tenant_deployments"("created_at", "status");
