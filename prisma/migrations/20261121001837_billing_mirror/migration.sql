-- CreateEnum
CREATE TYPE "refund_purpose" AS ENUM ('signup', 'duplicate');

-- CreateEnum
CREATE TYPE "refund_order_status" AS ENUM ('open', 'waiting_payment', 'waiting_dispute', 'pending', 'succeeded', 'failed', 'nothing', 'charged_back');

-- CreateTable
CREATE TABLE "stripe_mirrors" (
    "stripe_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "read_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "stripe_mirrors_pkey" PRIMARY KEY ("stripe_id")
);

-- CreateTable
CREATE TABLE "stripe_cursors" (
    "name" TEXT NOT NULL,
    "seen_through" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "stripe_cursors_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "disputes" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID,
    "stripe_dispute_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "amount" INTEGER NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "due_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "disputes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refund_orders" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "signup_id" UUID NOT NULL,
    "purpose" "refund_purpose" NOT NULL,
    "stripe_subscription_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "status" "refund_order_status" NOT NULL DEFAULT 'open',
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "refund_orders_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "disputes_stripe_dispute_id_key" ON "disputes"("stripe_dispute_id");

-- CreateIndex
CREATE INDEX "disputes_subscription_id_idx" ON "disputes"("subscription_id");

-- CreateIndex
CREATE INDEX "disputes_customer_id_created_at_idx" ON "disputes"("customer_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "refund_orders_stripe_subscription_id_key" ON "refund_orders"("stripe_subscription_id");

-- CreateIndex
CREATE INDEX "refund_orders_signup_id_idx" ON "refund_orders"("signup_id");

-- CreateIndex
CREATE INDEX "refund_orders_customer_id_created_at_idx" ON "refund_orders"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "refund_orders_status_created_at_idx" ON "refund_orders"("status", "created_at");

-- Rows of a customer, and of nobody else should the tenant role ever be granted them; today nothing grants them.
ALTER TABLE "disputes" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "disputes" TO erp_tenant USING (customer_id = app_customer_id());
ALTER TABLE "refund_orders" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "refund_orders" TO erp_tenant USING (customer_id = app_customer_id());
