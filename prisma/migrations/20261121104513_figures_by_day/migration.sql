-- DropIndex
DROP INDEX "invoices_currency_paid_at_amount_paid_tax_idx";

-- Summed anew by the job.
DELETE FROM "figure_months";
-- AlterTable
ALTER TABLE "figure_months" ADD COLUMN     "summed_until" TIMESTAMPTZ(3) NOT NULL;

-- CreateIndex
CREATE INDEX "invoices_currency_paid_at_plan_key_country_amount_paid_tota_idx" ON "invoices"("currency", "paid_at", "plan_key", "country", "amount_paid", "total", "tax");

-- The same as before, of months that are summed in part.
CREATE OR REPLACE FUNCTION figures_reopen_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	DELETE FROM figure_months figure USING (SELECT min(at) AS at FROM written) first WHERE figure.summed_until > first.at;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION figures_reopen_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	DELETE FROM figure_months figure
	USING (SELECT min(at) AS at FROM mrr_movements WHERE customer_id = NEW.id) first WHERE figure.summed_until > first.at;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION figures_reopen_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	IF TG_OP = 'INSERT' THEN
		DELETE FROM figure_months figure WHERE EXISTS (
			SELECT FROM written WHERE paid_at < figure.summed_until
				AND to_char(paid_at AT TIME ZONE figure.time_zone, 'YYYY-MM') = figure.month);
	ELSIF TG_OP = 'DELETE' THEN
		DELETE FROM figure_months figure WHERE EXISTS (
			SELECT FROM was WHERE paid_at < figure.summed_until
				AND to_char(paid_at AT TIME ZONE figure.time_zone, 'YYYY-MM') = figure.month);
	ELSE
		DELETE FROM figure_months figure WHERE EXISTS (
			SELECT FROM was JOIN written USING (id), LATERAL (VALUES (was.paid_at), (written.paid_at)) paid (at)
			WHERE (was.paid_at, was.amount_paid, was.total, was.tax, was.currency, was.plan_key, was.country)
				IS DISTINCT FROM (written.paid_at, written.amount_paid, written.total, written.tax, written.currency,
					written.plan_key, written.country)
				AND paid.at < figure.summed_until AND to_char(paid.at AT TIME ZONE figure.time_zone, 'YYYY-MM') = figure.month);
	END IF;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION figures_reopen_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	DELETE FROM figure_months figure WHERE EXISTS (
		SELECT FROM written WHERE created_at < figure.summed_until
			AND to_char(created_at AT TIME ZONE figure.time_zone, 'YYYY-MM') = figure.month);
	RETURN NULL;
END $$;
