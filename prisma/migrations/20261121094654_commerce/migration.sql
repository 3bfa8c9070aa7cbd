-- CreateEnum
CREATE TYPE "change_kind" AS ENUM ('upgrade', 'downgrade', 'quantity', 'interval', 'coupon', 'cancel', 'cancel_at_end', 'resume', 'trial');

-- CreateEnum
CREATE TYPE "change_status" AS ENUM ('previewed', 'ordered', 'waiting_payment', 'scheduled', 'applied', 'refused', 'undone');

-- CreateEnum
CREATE TYPE "coupon_duration" AS ENUM ('once', 'repeating', 'forever');

-- CreateEnum
CREATE TYPE "invoice_act_kind" AS ENUM ('retry', 'mark_paid', 'void', 'refund', 'credit_note');

-- CreateEnum
CREATE TYPE "invoice_act_status" AS ENUM ('waiting_approval', 'ordered', 'pending', 'done', 'failed', 'rejected');

-- CreateEnum
CREATE TYPE "dunning_act_kind" AS ENUM ('retry', 'mail', 'read_only', 'suspend', 'delete');

-- CreateEnum
CREATE TYPE "import_status" AS ENUM ('checking', 'checked', 'importing', 'done', 'cancelled');

-- CreateEnum
CREATE TYPE "import_line_status" AS ENUM ('pending', 'valid', 'refused', 'made');

-- CreateEnum
CREATE TYPE "limit_act" AS ENUM ('tell', 'refuse', 'read_only', 'suspend');

-- DropIndex
DROP INDEX "mrr_movements_currency_at_kind_amount_idx";

-- AlterTable
ALTER TABLE "customers" ADD COLUMN     "address_line" TEXT,
ADD COLUMN     "city" TEXT,
ADD COLUMN     "deleted_at" TIMESTAMPTZ(3),
ADD COLUMN     "erased_at" TIMESTAMPTZ(3),
ADD COLUMN     "first_paid_at" TIMESTAMPTZ(3),
ADD COLUMN     "plan_key" TEXT,
ADD COLUMN     "postal_code" TEXT,
ADD COLUMN     "state" TEXT,
ADD COLUMN     "tax_exempt" TEXT NOT NULL DEFAULT 'none',
ADD COLUMN     "tax_id_type" TEXT;

-- AlterTable
ALTER TABLE "invoices" ADD COLUMN     "credited_amount" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "next_attempt_at" TIMESTAMPTZ(3),
ADD COLUMN     "paid_out_of_band" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "refunded_amount" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "mrr_movements" ADD COLUMN     "customers" SMALLINT NOT NULL DEFAULT 0,
ADD COLUMN     "plan_key" TEXT;

-- AlterTable
ALTER TABLE "payment_attempts" ADD COLUMN     "advice_code" TEXT;

-- AlterTable
ALTER TABLE "subscriptions" ADD COLUMN     "dunning_suspended_at" TIMESTAMPTZ(3),
ADD COLUMN     "past_due_since" TIMESTAMPTZ(3),
ADD COLUMN     "scheduled_at" TIMESTAMPTZ(3),
ADD COLUMN     "scheduled_plan_id" UUID,
ADD COLUMN     "scheduled_quantity" INTEGER,
ADD COLUMN     "stripe_schedule_id" TEXT,
ADD COLUMN     "trial_start" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "tenant_deployments" ADD COLUMN     "read_only_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "subscription_changes" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "kind" "change_kind" NOT NULL,
    "status" "change_status" NOT NULL DEFAULT 'previewed',
    "from_plan_id" UUID NOT NULL,
    "to_plan_id" UUID NOT NULL,
    "to_interval" "price_interval" NOT NULL,
    "to_quantity" INTEGER NOT NULL DEFAULT 1,
    "coupon_id" UUID,
    "proration_date" TIMESTAMPTZ(0),
    "amount_due" INTEGER NOT NULL DEFAULT 0,
    "currency" CHAR(3) NOT NULL,
    "lines" JSONB NOT NULL DEFAULT '[]',
    "effective_at" TIMESTAMPTZ(3),
    "stripe_invoice_id" TEXT,
    "reason" TEXT,
    "error" TEXT,
    "decline_code" TEXT,
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ordered_at" TIMESTAMPTZ(3),
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "subscription_changes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "coupons" (
    "id" UUID NOT NULL,
    "code" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "percent_basis_points" INTEGER,
    "amount" INTEGER,
    "currency" CHAR(3),
    "duration" "coupon_duration" NOT NULL,
    "months" INTEGER,
    "max_redemptions" INTEGER,
    "redeem_by" TIMESTAMPTZ(3),
    "active" BOOLEAN NOT NULL DEFAULT true,
    "times_redeemed" INTEGER NOT NULL DEFAULT 0,
    "stripe_coupon_id" TEXT,
    "stripe_promotion_code_id" TEXT,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "coupons_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "subscription_discounts" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "stripe_discount_id" TEXT NOT NULL,
    "stripe_coupon_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "percent_basis_points" INTEGER,
    "amount" INTEGER,
    "currency" CHAR(3),
    "duration" "coupon_duration" NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3),

    CONSTRAINT "subscription_discounts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payment_methods" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "stripe_payment_method_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "brand" TEXT,
    "last4" TEXT,
    "exp_month" INTEGER,
    "exp_year" INTEGER,
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "expiry_told_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payment_methods_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invoice_acts" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "kind" "invoice_act_kind" NOT NULL,
    "status" "invoice_act_status" NOT NULL DEFAULT 'ordered',
    "amount" INTEGER,
    "currency" CHAR(3) NOT NULL,
    "reason" TEXT,
    "stripe_object_id" TEXT,
    "error" TEXT,
    "decline_code" TEXT,
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "approved_by_id" UUID,
    "approved_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "invoice_acts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dunning_policies" (
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "name" TEXT NOT NULL,
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "replaced_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dunning_policies_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dunning_stages" (
    "id" UUID NOT NULL,
    "policy_id" UUID NOT NULL,
    "day" SMALLINT NOT NULL,
    "act" "dunning_act_kind" NOT NULL,
    "tone" TEXT,

    CONSTRAINT "dunning_stages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dunning_cases" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "policy_id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "grace_until" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dunning_cases_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dunning_acts" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "case_id" UUID NOT NULL,
    "stage_id" UUID NOT NULL,
    "act" "dunning_act_kind" NOT NULL,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "done_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "outcome" TEXT NOT NULL,
    "detail" TEXT,

    CONSTRAINT "dunning_acts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "mrr_months" (
    "id" UUID NOT NULL,
    "month" CHAR(7) NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "plan_key" TEXT NOT NULL DEFAULT '',
    "country" TEXT NOT NULL DEFAULT '',
    "cohort" CHAR(7) NOT NULL,
    "new" BIGINT NOT NULL DEFAULT 0,
    "expansion" BIGINT NOT NULL DEFAULT 0,
    "contraction" BIGINT NOT NULL DEFAULT 0,
    "churn" BIGINT NOT NULL DEFAULT 0,
    "reactivation" BIGINT NOT NULL DEFAULT 0,
    "customers_new" INTEGER NOT NULL DEFAULT 0,
    "customers_back" INTEGER NOT NULL DEFAULT 0,
    "customers_lost" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "mrr_months_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "revenue_months" (
    "id" UUID NOT NULL,
    "month" CHAR(7) NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "plan_key" TEXT NOT NULL DEFAULT '',
    "country" TEXT NOT NULL DEFAULT '',
    "invoices" INTEGER NOT NULL DEFAULT 0,
    "paid" BIGINT NOT NULL DEFAULT 0,
    "tax" BIGINT NOT NULL DEFAULT 0,
    "refunded" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "revenue_months_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "figure_months" (
    "month" CHAR(7) NOT NULL,
    "time_zone" TEXT NOT NULL,
    "summed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "figure_months_pkey" PRIMARY KEY ("month")
);

-- CreateTable
CREATE TABLE "customer_imports" (
    "id" UUID NOT NULL,
    "file_name" TEXT NOT NULL,
    "status" "import_status" NOT NULL DEFAULT 'checking',
    "rows" INTEGER NOT NULL DEFAULT 0,
    "refused" INTEGER NOT NULL DEFAULT 0,
    "made" INTEGER NOT NULL DEFAULT 0,
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "customer_imports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "customer_import_lines" (
    "id" UUID NOT NULL,
    "import_id" UUID NOT NULL,
    "line" INTEGER NOT NULL,
    "cells" JSONB NOT NULL,
    "errors" JSONB NOT NULL DEFAULT '{}',
    "status" "import_line_status" NOT NULL DEFAULT 'pending',
    "customer_id" UUID,

    CONSTRAINT "customer_import_lines_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invitations" (
    "id" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "customer_id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "role_id" UUID NOT NULL,
    "locale" TEXT NOT NULL DEFAULT 'es',
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "sent_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "accepted_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "invitations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "drifts" (
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "customer_id" UUID,
    "ours" JSONB,
    "theirs" JSONB,
    "cause" TEXT,
    "first_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "repair_at" TIMESTAMPTZ(3),
    "repair_by" TEXT,
    "repair_error" TEXT,
    "closed_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "note" TEXT,

    CONSTRAINT "drifts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reconcile_runs" (
    "id" UUID NOT NULL,
    "area" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),
    "compared" JSONB NOT NULL DEFAULT '{}',
    "found" INTEGER NOT NULL DEFAULT 0,
    "by_label" TEXT,
    "error" TEXT,

    CONSTRAINT "reconcile_runs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "plan_limits" (
    "id" UUID NOT NULL,
    "plan_id" UUID NOT NULL,
    "resource" TEXT NOT NULL,
    "amount" INTEGER NOT NULL,
    "grace_days" INTEGER NOT NULL DEFAULT 14,
    "act" "limit_act" NOT NULL DEFAULT 'tell',

    CONSTRAINT "plan_limits_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "limit_states" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subject_id" UUID NOT NULL,
    "resource" TEXT NOT NULL,
    "used" INTEGER NOT NULL,
    "amount" INTEGER NOT NULL,
    "measured_at" TIMESTAMPTZ(3) NOT NULL,
    "told" SMALLINT NOT NULL DEFAULT 0,
    "over_since" TIMESTAMPTZ(3),
    "acts_at" TIMESTAMPTZ(3),
    "acted_at" TIMESTAMPTZ(3),

    CONSTRAINT "limit_states_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "subscription_changes_subscription_id_created_at_idx" ON "subscription_changes"("subscription_id", "created_at");

-- CreateIndex
CREATE INDEX "subscription_changes_customer_id_created_at_idx" ON "subscription_changes"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "subscription_changes_status_created_at_idx" ON "subscription_changes"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "coupons_code_key" ON "coupons"("code");

-- CreateIndex
CREATE UNIQUE INDEX "coupons_stripe_coupon_id_key" ON "coupons"("stripe_coupon_id");

-- CreateIndex
CREATE UNIQUE INDEX "coupons_stripe_promotion_code_id_key" ON "coupons"("stripe_promotion_code_id");

-- CreateIndex
CREATE INDEX "coupons_created_at_idx" ON "coupons"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "subscription_discounts_subscription_id_stripe_discount_id_key" ON "subscription_discounts"("subscription_id", "stripe_discount_id");

-- CreateIndex
CREATE UNIQUE INDEX "payment_methods_stripe_payment_method_id_key" ON "payment_methods"("stripe_payment_method_id");

-- CreateIndex
CREATE INDEX "payment_methods_customer_id_idx" ON "payment_methods"("customer_id");

-- CreateIndex
CREATE INDEX "invoice_acts_invoice_id_created_at_idx" ON "invoice_acts"("invoice_id", "created_at");

-- CreateIndex
CREATE INDEX "invoice_acts_status_created_at_idx" ON "invoice_acts"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "dunning_policies_key_version_key" ON "dunning_policies"("key", "version");

-- CreateIndex
CREATE INDEX "dunning_stages_policy_id_day_idx" ON "dunning_stages"("policy_id", "day");

-- CreateIndex
CREATE INDEX "dunning_cases_closed_at_started_at_idx" ON "dunning_cases"("closed_at", "started_at");

-- CreateIndex
CREATE INDEX "dunning_cases_subscription_id_idx" ON "dunning_cases"("subscription_id");

-- CreateIndex
CREATE UNIQUE INDEX "dunning_cases_customer_id_id_key" ON "dunning_cases"("customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "dunning_acts_case_id_stage_id_key" ON "dunning_acts"("case_id", "stage_id");

-- CreateIndex
CREATE UNIQUE INDEX "mrr_months_month_currency_plan_key_country_cohort_key" ON "mrr_months"("month", "currency", "plan_key", "country", "cohort");

-- CreateIndex
CREATE UNIQUE INDEX "revenue_months_month_currency_plan_key_country_key" ON "revenue_months"("month", "currency", "plan_key", "country");

-- CreateIndex
CREATE INDEX "customer_imports_created_at_idx" ON "customer_imports"("created_at");

-- CreateIndex
CREATE INDEX "customer_import_lines_import_id_status_line_idx" ON "customer_import_lines"("import_id", "status", "line");

-- CreateIndex
CREATE UNIQUE INDEX "customer_import_lines_import_id_line_key" ON "customer_import_lines"("import_id", "line");

-- CreateIndex
CREATE INDEX "invitations_customer_id_created_at_idx" ON "invitations"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "invitations_email_idx" ON "invitations"("email");

-- CreateIndex
CREATE INDEX "drifts_closed_at_first_seen_at_idx" ON "drifts"("closed_at", "first_seen_at");

-- CreateIndex
CREATE INDEX "drifts_kind_closed_at_idx" ON "drifts"("kind", "closed_at");

-- CreateIndex
CREATE INDEX "drifts_customer_id_idx" ON "drifts"("customer_id");

-- CreateIndex
CREATE INDEX "reconcile_runs_area_started_at_idx" ON "reconcile_runs"("area", "started_at");

-- CreateIndex
CREATE UNIQUE INDEX "plan_limits_plan_id_resource_key" ON "plan_limits"("plan_id", "resource");

-- CreateIndex
CREATE INDEX "limit_states_customer_id_idx" ON "limit_states"("customer_id");

-- CreateIndex
CREATE INDEX "limit_states_acts_at_idx" ON "limit_states"("acts_at");

-- CreateIndex
CREATE UNIQUE INDEX "limit_states_subject_id_resource_key" ON "limit_states"("subject_id", "resource");

-- CreateIndex
CREATE INDEX "customers_plan_key_created_at_idx" ON "customers"("plan_key", "created_at");

-- CreateIndex
CREATE INDEX "customers_created_at_idx" ON "customers"("created_at");

-- CreateIndex
CREATE INDEX "invoices_created_at_idx" ON "invoices"("created_at");

-- CreateIndex
CREATE INDEX "invoices_total_idx" ON "invoices"("total");

-- CreateIndex
CREATE INDEX "invoices_subscription_id_idx" ON "invoices"("subscription_id");

-- CreateIndex
CREATE INDEX "invoices_currency_paid_at_amount_paid_tax_idx" ON "invoices"("currency", "paid_at", "amount_paid", "tax");

-- CreateIndex
CREATE INDEX "mrr_movements_currency_at_kind_amount_customers_idx" ON "mrr_movements"("currency", "at", "kind", "amount", "customers");

-- CreateIndex
CREATE INDEX "subscriptions_created_at_idx" ON "subscriptions"("created_at");

-- CreateIndex
CREATE INDEX "subscriptions_mrr_idx" ON "subscriptions"("mrr");

-- CreateIndex
CREATE INDEX "subscriptions_trial_end_idx" ON "subscriptions"("trial_end");

-- AddForeignKey
ALTER TABLE "subscription_changes" ADD CONSTRAINT "subscription_changes_customer_id_subscription_id_fkey" FOREIGN KEY ("customer_id", "subscription_id") REFERENCES "subscriptions"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "subscription_discounts" ADD CONSTRAINT "subscription_discounts_customer_id_subscription_id_fkey" FOREIGN KEY ("customer_id", "subscription_id") REFERENCES "subscriptions"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invoice_acts" ADD CONSTRAINT "invoice_acts_customer_id_invoice_id_fkey" FOREIGN KEY ("customer_id", "invoice_id") REFERENCES "invoices"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dunning_stages" ADD CONSTRAINT "dunning_stages_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "dunning_policies"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dunning_cases" ADD CONSTRAINT "dunning_cases_customer_id_subscription_id_fkey" FOREIGN KEY ("customer_id", "subscription_id") REFERENCES "subscriptions"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dunning_cases" ADD CONSTRAINT "dunning_cases_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "dunning_policies"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dunning_acts" ADD CONSTRAINT "dunning_acts_customer_id_case_id_fkey" FOREIGN KEY ("customer_id", "case_id") REFERENCES "dunning_cases"("customer_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "customer_import_lines" ADD CONSTRAINT "customer_import_lines_import_id_fkey" FOREIGN KEY ("import_id") REFERENCES "customer_imports"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "plan_limits" ADD CONSTRAINT "plan_limits_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Uniqueness among live rows -------------------------------------------------------------------------------------

CREATE UNIQUE INDEX "invitations_open_key" ON "invitations" ("customer_id", "email")
	WHERE "accepted_at" IS NULL AND "revoked_at" IS NULL;
CREATE UNIQUE INDEX "drifts_open_key" ON "drifts" ("kind", "subject_type", "subject_id") WHERE "closed_at" IS NULL;
CREATE UNIQUE INDEX "subscription_changes_unfinished_key" ON "subscription_changes" ("subscription_id")
	WHERE "status" IN ('ordered', 'waiting_payment');
CREATE UNIQUE INDEX "invoice_acts_unfinished_key" ON "invoice_acts" ("invoice_id", "kind")
	WHERE "status" IN ('waiting_approval', 'ordered');
CREATE UNIQUE INDEX "dunning_cases_open_key" ON "dunning_cases" ("subscription_id") WHERE "closed_at" IS NULL;
CREATE UNIQUE INDEX "dunning_policies_current_key" ON "dunning_policies" ("key") WHERE "replaced_at" IS NULL;
CREATE UNIQUE INDEX "dunning_policies_default_key" ON "dunning_policies" ("is_default")
	WHERE "is_default" AND "replaced_at" IS NULL;
CREATE UNIQUE INDEX "coupons_code_folded_key" ON "coupons" (lower("code"));

ALTER TABLE "coupons" ADD CONSTRAINT "coupons_percent_or_amount"
	CHECK (("percent_basis_points" IS NULL) <> ("amount" IS NULL AND "currency" IS NULL));
ALTER TABLE "invoice_acts" ADD CONSTRAINT "invoice_acts_two_people" CHECK ("approved_by_id" IS DISTINCT FROM "by_id" OR "by_id" IS NULL);

-- Fast search over what lists show -------------------------------------------------------------------------------

CREATE INDEX "invoices_number_trgm" ON "invoices" USING gin (lower("number") gin_trgm_ops);

-- Row-level security -----------------------------------------------------------------------------------------------

DO $$
DECLARE
	owned text;
BEGIN
	FOREACH owned IN ARRAY ARRAY[
		'limit_states', 'subscription_changes', 'subscription_discounts', 'payment_methods', 'invoice_acts', 'dunning_cases',
		'dunning_acts', 'invitations', 'drifts'
	] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', owned);
		EXECUTE format('CREATE POLICY own_rows ON %I TO erp_tenant USING (customer_id = app_customer_id())', owned);
	END LOOP;
END $$;

-- What staff think of a payment, and what two systems say differently, stay out of reach: nothing grants them.
GRANT SELECT ON "plan_limits", "limit_states", "subscription_changes", "subscription_discounts", "payment_methods",
	"dunning_cases", "dunning_acts", "dunning_policies", "dunning_stages" TO erp_tenant;
GRANT SELECT ("id", "customer_id", "email", "role_id", "by_label", "sent_at", "expires_at", "accepted_at", "revoked_at", "created_at")
	ON "invitations" TO erp_tenant;
GRANT SELECT ("id", "customer_id", "invoice_id", "kind", "status", "amount", "currency", "decline_code", "created_at", "settled_at")
	ON "invoice_acts" TO erp_tenant;
GRANT SELECT ("tax_id_type", "tax_exempt", "address_line", "city", "state", "postal_code") ON "customers" TO erp_tenant;

-- What earlier rows would say ------------------------------------------------------------------------------------

ALTER TABLE "mrr_movements" DISABLE TRIGGER "mrr_movements_append_only";
WITH worth AS (
	SELECT id, amount, sum(amount) OVER (PARTITION BY customer_id, currency ORDER BY at, id) AS after FROM mrr_movements
)
UPDATE mrr_movements movement SET
	customers = (worth.after > 0)::int - (worth.after - worth.amount > 0)::int,
	plan_key = (SELECT plan.key FROM subscriptions s JOIN plans plan ON plan.id = s.plan_id WHERE s.id = movement.subscription_id)
FROM worth WHERE worth.id = movement.id;
ALTER TABLE "mrr_movements" ENABLE TRIGGER "mrr_movements_append_only";

UPDATE customers SET first_paid_at = (SELECT min(at) FROM mrr_movements movement WHERE movement.customer_id = customers.id);
UPDATE customers SET plan_key = (
	SELECT plan.key FROM subscriptions s JOIN plans plan ON plan.id = s.plan_id
	WHERE s.customer_id = customers.id AND s.status IN ('active', 'past_due', 'suspended') ORDER BY s.created_at DESC, s.id DESC LIMIT 1);
