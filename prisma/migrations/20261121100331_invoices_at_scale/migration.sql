-- DropIndex
DROP INDEX "payment_attempts_invoice_id_stripe_payment_intent_id_status_key";

-- AlterTable
ALTER TABLE "credit_notes" ADD COLUMN     "memo" TEXT;

-- AlterTable
ALTER TABLE "invoice_acts" ADD COLUMN     "on_session" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "tries" SMALLINT NOT NULL DEFAULT 1;

-- AlterTable
ALTER TABLE "invoices" ADD COLUMN     "country" TEXT,
ADD COLUMN     "plan_key" TEXT;

-- AlterTable
ALTER TABLE "payment_attempts" ADD COLUMN     "stripe_charge_id" TEXT;

-- CreateTable
CREATE TABLE "invoice_months" (
    "month" DATE NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "status" TEXT NOT NULL,
    "plan_key" TEXT NOT NULL DEFAULT '',
    "country" TEXT NOT NULL DEFAULT '',
    "invoices" INTEGER NOT NULL,
    "total" BIGINT NOT NULL,
    "paid" BIGINT NOT NULL,
    "remaining" BIGINT NOT NULL,
    "credited" BIGINT NOT NULL,
    "refunded" BIGINT NOT NULL,

    CONSTRAINT "invoice_months_pkey" PRIMARY KEY ("month","currency","status","plan_key","country")
);

-- CreateIndex
CREATE INDEX "credit_notes_invoice_id_idx" ON "credit_notes"("invoice_id");

-- CreateIndex
CREATE INDEX "invoices_plan_key_created_at_idx" ON "invoices"("plan_key", "created_at");

-- CreateIndex
CREATE INDEX "invoices_country_created_at_idx" ON "invoices"("country", "created_at");

-- CreateIndex
CREATE INDEX "invoices_currency_created_at_idx" ON "invoices"("currency", "created_at");

-- CreateIndex
CREATE INDEX "invoices_amount_remaining_idx" ON "invoices"("amount_remaining");

-- CreateIndex
CREATE INDEX "payment_attempts_invoice_id_at_idx" ON "payment_attempts"("invoice_id", "at");

-- CreateIndex
CREATE INDEX "refunds_invoice_id_idx" ON "refunds"("invoice_id");

-- One row for each time that the bank was asked; where it was not, one for each state of the payment ---------------

CREATE UNIQUE INDEX "payment_attempts_charge_key" ON "payment_attempts" ("invoice_id", "stripe_charge_id")
	WHERE "stripe_charge_id" IS NOT NULL;
CREATE UNIQUE INDEX "payment_attempts_state_key" ON "payment_attempts" ("invoice_id", "stripe_payment_intent_id", "status")
	WHERE "stripe_charge_id" IS NULL;

-- Acts that somebody waits for: a refund that Stripe took and that has not arrived is looked at until it has ---------

CREATE INDEX "invoice_acts_unsettled" ON "invoice_acts" ("created_at") WHERE "status" IN ('ordered', 'pending');
CREATE INDEX "invoices_open" ON "invoices" ("created_at") INCLUDE ("attempt_count", "due_at", "currency", "total", "amount_paid", "amount_remaining")
	WHERE "status" = 'open';

-- Plan and country of an invoice, as they are when it comes about ----------------------------------------------------

CREATE FUNCTION invoice_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.plan_key := coalesce(NEW.plan_key, (
		SELECT plan.key FROM subscriptions JOIN plans plan ON plan.id = subscriptions.plan_id WHERE subscriptions.id = NEW.subscription_id));
	NEW.country := coalesce((SELECT customers.country FROM customers WHERE customers.id = NEW.customer_id), '');
	RETURN NEW;
END $$;
UPDATE invoices SET
	created_at = coalesce(issued_at, created_at),
	country = coalesce((SELECT customers.country FROM customers WHERE customers.id = invoices.customer_id), ''),
	plan_key = (SELECT plan.key FROM subscriptions JOIN plans plan ON plan.id = subscriptions.plan_id
		WHERE subscriptions.id = invoices.subscription_id);
CREATE TRIGGER invoices_facts BEFORE INSERT ON "invoices"
	FOR EACH ROW WHEN (NEW.country IS NULL) EXECUTE FUNCTION invoice_facts();

-- Sums by month, kept with the rows: adding up a million of them for the line above a list would be slow ------------

INSERT INTO invoice_months
SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''), coalesce(country, ''),
	count(*), sum(total), sum(amount_paid), sum(amount_remaining), sum(credited_amount), sum(refunded_amount)
FROM invoices GROUP BY 1, 2, 3, 4, 5;

CREATE FUNCTION invoice_months_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	-- In one order, so that two who write at the same time wait for each other instead of locking each other out.
	IF TG_OP = 'INSERT' THEN
		INSERT INTO invoice_months AS sums
		SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''), coalesce(country, ''),
			count(*), sum(total), sum(amount_paid), sum(amount_remaining), sum(credited_amount), sum(refunded_amount)
		FROM added GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
		ON CONFLICT (month, currency, status, plan_key, country) DO UPDATE SET
			invoices = sums.invoices + EXCLUDED.invoices, total = sums.total + EXCLUDED.total, paid = sums.paid + EXCLUDED.paid,
			remaining = sums.remaining + EXCLUDED.remaining, credited = sums.credited + EXCLUDED.credited,
			refunded = sums.refunded + EXCLUDED.refunded;
	ELSIF TG_OP = 'DELETE' THEN
		INSERT INTO invoice_months AS sums
		SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''), coalesce(country, ''),
			-count(*), -sum(total), -sum(amount_paid), -sum(amount_remaining), -sum(credited_amount), -sum(refunded_amount)
		FROM gone GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
		ON CONFLICT (month, currency, status, plan_key, country) DO UPDATE SET
			invoices = sums.invoices + EXCLUDED.invoices, total = sums.total + EXCLUDED.total, paid = sums.paid + EXCLUDED.paid,
			remaining = sums.remaining + EXCLUDED.remaining, credited = sums.credited + EXCLUDED.credited,
			refunded = sums.refunded + EXCLUDED.refunded;
	ELSE
		-- What is the same after it takes no lock.
		INSERT INTO invoice_months AS sums
		SELECT month, currency, status, plan_key, country, sum(n), sum(total), sum(paid), sum(remaining), sum(credited), sum(refunded)
		FROM (
			SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date AS month, currency, status, coalesce(plan_key, '') AS plan_key,
				coalesce(country, '') AS country, 1 AS n, total::bigint AS total, amount_paid::bigint AS paid,
				amount_remaining::bigint AS remaining, credited_amount::bigint AS credited, refunded_amount::bigint AS refunded FROM added
			UNION ALL
			SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''),
				coalesce(country, ''), -1, -total::bigint, -amount_paid::bigint, -amount_remaining::bigint, -credited_amount::bigint,
				-refunded_amount::bigint FROM gone
		) AS change
		GROUP BY 1, 2, 3, 4, 5
		HAVING (sum(n), sum(total), sum(paid), sum(remaining), sum(credited), sum(refunded)) IS DISTINCT FROM (0, 0, 0, 0, 0, 0)
		ORDER BY 1, 2, 3, 4, 5
		ON CONFLICT (month, currency, status, plan_key, country) DO UPDATE SET
			invoices = sums.invoices + EXCLUDED.invoices, total = sums.total + EXCLUDED.total, paid = sums.paid + EXCLUDED.paid,
			remaining = sums.remaining + EXCLUDED.remaining, credited = sums.credited + EXCLUDED.credited,
			refunded = sums.refunded + EXCLUDED.refunded;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER invoices_added AFTER INSERT ON "invoices" REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION invoice_months_add();
CREATE TRIGGER invoices_changed AFTER UPDATE ON "invoices" REFERENCING OLD TABLE AS gone NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION invoice_months_add();
CREATE TRIGGER invoices_gone AFTER DELETE ON "invoices" REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION invoice_months_add();
