-- What was paid in a month is added up from these sums, whatever a month holds.

-- AlterTable
ALTER TABLE "invoice_months" DROP CONSTRAINT "invoice_months_pkey",
ADD COLUMN     "paid_month" TEXT NOT NULL DEFAULT '',
ADD CONSTRAINT "invoice_months_pkey" PRIMARY KEY ("month", "currency", "status", "plan_key", "country", "paid_month");

-- CreateIndex
CREATE INDEX "invoice_months_paid_month_idx" ON "invoice_months"("paid_month");

CREATE OR REPLACE FUNCTION invoice_months_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	-- In one order, so that two who write at the same time wait for each other instead of locking each other out.
	IF TG_OP = 'INSERT' THEN
		INSERT INTO invoice_months AS sums (month, currency, status, plan_key, country, paid_month, invoices, total, paid, remaining, credited, refunded)
		SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''), coalesce(country, ''),
			coalesce(to_char(paid_at AT TIME ZONE 'UTC', 'YYYY-MM'), ''),
			count(*), sum(total), sum(amount_paid), sum(amount_remaining), sum(credited_amount), sum(refunded_amount)
		FROM added GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
		ON CONFLICT (month, currency, status, plan_key, country, paid_month) DO UPDATE SET
			invoices = sums.invoices + EXCLUDED.invoices, total = sums.total + EXCLUDED.total, paid = sums.paid + EXCLUDED.paid,
			remaining = sums.remaining + EXCLUDED.remaining, credited = sums.credited + EXCLUDED.credited,
			refunded = sums.refunded + EXCLUDED.refunded;
	ELSIF TG_OP = 'DELETE' THEN
		INSERT INTO invoice_months AS sums (month, currency, status, plan_key, country, paid_month, invoices, total, paid, remaining, credited, refunded)
		SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''), coalesce(country, ''),
			coalesce(to_char(paid_at AT TIME ZONE 'UTC', 'YYYY-MM'), ''),
			-count(*), -sum(total), -sum(amount_paid), -sum(amount_remaining), -sum(credited_amount), -sum(refunded_amount)
		FROM gone GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
		ON CONFLICT (month, currency, status, plan_key, country, paid_month) DO UPDATE SET
			invoices = sums.invoices + EXCLUDED.invoices, total = sums.total + EXCLUDED.total, paid = sums.paid + EXCLUDED.paid,
			remaining = sums.remaining + EXCLUDED.remaining, credited = sums.credited + EXCLUDED.credited,
			refunded = sums.refunded + EXCLUDED.refunded;
	ELSE
		-- What is the same after it takes no lock.
		INSERT INTO invoice_months AS sums (month, currency, status, plan_key, country, paid_month, invoices, total, paid, remaining, credited, refunded)
		SELECT month, currency, status, plan_key, country, paid_month, sum(n), sum(total), sum(paid), sum(remaining), sum(credited), sum(refunded)
		FROM (
			SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''), coalesce(country, ''),
			coalesce(to_char(paid_at AT TIME ZONE 'UTC', 'YYYY-MM'), ''), 1, total::bigint, amount_paid::bigint, amount_remaining::bigint, credited_amount::bigint, refunded_amount::bigint FROM added
			UNION ALL
			SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''), coalesce(country, ''),
			coalesce(to_char(paid_at AT TIME ZONE 'UTC', 'YYYY-MM'), ''), -1, -total::bigint, -amount_paid::bigint, -amount_remaining::bigint, -credited_amount::bigint, -refunded_amount::bigint FROM gone
		) AS change (month, currency, status, plan_key, country, paid_month, n, total, paid, remaining, credited, refunded)
		GROUP BY 1, 2, 3, 4, 5, 6
		HAVING (sum(n), sum(total), sum(paid), sum(remaining), sum(credited), sum(refunded)) IS DISTINCT FROM (0, 0, 0, 0, 0, 0)
		ORDER BY 1, 2, 3, 4, 5, 6
		ON CONFLICT (month, currency, status, plan_key, country, paid_month) DO UPDATE SET
			invoices = sums.invoices + EXCLUDED.invoices, total = sums.total + EXCLUDED.total, paid = sums.paid + EXCLUDED.paid,
			remaining = sums.remaining + EXCLUDED.remaining, credited = sums.credited + EXCLUDED.credited,
			refunded = sums.refunded + EXCLUDED.refunded;
	END IF;
	RETURN NULL;
END $$;

TRUNCATE invoice_months;
INSERT INTO invoice_months (month, currency, status, plan_key, country, paid_month, invoices, total, paid, remaining, credited, refunded)
SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date, currency, status, coalesce(plan_key, ''), coalesce(country, ''),
	coalesce(to_char(paid_at AT TIME ZONE 'UTC', 'YYYY-MM'), ''),
	count(*), sum(total), sum(amount_paid), sum(amount_remaining), sum(credited_amount), sum(refunded_amount)
FROM invoices GROUP BY 1, 2, 3, 4, 5, 6;
