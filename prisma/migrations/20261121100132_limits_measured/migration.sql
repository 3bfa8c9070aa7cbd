-- AlterTable
ALTER TABLE "coupons" ADD COLUMN     "checked_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "plans" ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "stripe_checked_at" TIMESTAMPTZ(3),
ADD COLUMN     "stripe_differences" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "stripe_error" TEXT;

-- AlterTable
ALTER TABLE "tenant_deployments" ADD COLUMN     "read_only_error" TEXT,
ADD COLUMN     "read_only_reasons" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateTable
CREATE TABLE "usage_readings" (
    "customer_id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "resource" TEXT NOT NULL,
    "used" INTEGER NOT NULL,
    "measured_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "usage_readings_pkey" PRIMARY KEY ("tenant_id","resource")
);

-- CreateIndex
CREATE INDEX "usage_readings_customer_id_idx" ON "usage_readings"("customer_id");

-- Row-level security -----------------------------------------------------------------------------------------------

ALTER TABLE "usage_readings" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "usage_readings" TO erp_tenant USING (customer_id = app_customer_id());
GRANT SELECT ON "usage_readings" TO erp_tenant;
