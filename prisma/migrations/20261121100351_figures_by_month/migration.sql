-- DropIndex
DROP INDEX "subscriptions_currency_mrr_idx";

-- CreateIndex
CREATE INDEX "mrr_movements_kind_at_idx" ON "mrr_movements"("kind", "at");

-- CreateIndex
CREATE INDEX "refunds_currency_created_at_idx" ON "refunds"("currency", "created_at");

-- CreateIndex
CREATE INDEX "stripe_events_event_type_received_at_idx" ON "stripe_events"("event_type", "received_at");

-- CreateIndex
CREATE INDEX "stripe_events_outcome_received_at_idx" ON "stripe_events"("outcome", "received_at");

-- CreateIndex
CREATE INDEX "subscriptions_currency_plan_id_customer_id_mrr_idx" ON "subscriptions"("currency", "plan_id", "customer_id", "mrr");

-- Months that are over are summed once. What is written into one of them afterwards opens it again: it is then summed
-- from its rows until the job closes it anew. Writers hold the lock together, who closes months holds it alone, so that
-- no row falls between a sum and the note that it was made.
CREATE FUNCTION figures_are_written() RETURNS void LANGUAGE sql VOLATILE AS $$
	SELECT pg_advisory_xact_lock_shared(hashtextextended('billing.figures', 0))
$$;

-- A movement changes what everything is worth from its month on.
CREATE FUNCTION figures_reopen_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	DELETE FROM figure_months figure USING (SELECT min(at) AS at FROM written) first
	WHERE figure.month >= to_char(first.at AT TIME ZONE figure.time_zone, 'YYYY-MM');
	RETURN NULL;
END $$;
CREATE TRIGGER mrr_movements_reopen AFTER INSERT ON "mrr_movements" REFERENCING NEW TABLE AS written
	FOR EACH STATEMENT EXECUTE FUNCTION figures_reopen_movement();

-- Country and cohort of a customer are what its movements are summed by.
CREATE FUNCTION figures_reopen_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	DELETE FROM figure_months figure
	USING (SELECT min(at) AS at FROM mrr_movements WHERE customer_id = NEW.id) first
	WHERE figure.month >= to_char(first.at AT TIME ZONE figure.time_zone, 'YYYY-MM');
	RETURN NULL;
END $$;
CREATE TRIGGER customers_reopen AFTER UPDATE ON "customers" FOR EACH ROW
	WHEN (OLD.country IS DISTINCT FROM NEW.country OR OLD.first_paid_at IS DISTINCT FROM NEW.first_paid_at)
	EXECUTE FUNCTION figures_reopen_customer();

CREATE FUNCTION figures_reopen_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	IF TG_OP = 'INSERT' THEN
		DELETE FROM figure_months figure WHERE EXISTS (
			SELECT FROM written WHERE to_char(paid_at AT TIME ZONE figure.time_zone, 'YYYY-MM') = figure.month);
	ELSIF TG_OP = 'DELETE' THEN
		DELETE FROM figure_months figure WHERE EXISTS (
			SELECT FROM was WHERE to_char(paid_at AT TIME ZONE figure.time_zone, 'YYYY-MM') = figure.month);
	ELSE
		DELETE FROM figure_months figure WHERE EXISTS (
			SELECT FROM was JOIN written USING (id)
			WHERE (was.paid_at, was.amount_paid, was.total, was.tax, was.currency, was.plan_key, was.country)
				IS DISTINCT FROM (written.paid_at, written.amount_paid, written.total, written.tax, written.currency,
					written.plan_key, written.country)
				AND figure.month IN (to_char(was.paid_at AT TIME ZONE figure.time_zone, 'YYYY-MM'),
					to_char(written.paid_at AT TIME ZONE figure.time_zone, 'YYYY-MM')));
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER invoices_reopen_insert AFTER INSERT ON "invoices" REFERENCING NEW TABLE AS written
	FOR EACH STATEMENT EXECUTE FUNCTION figures_reopen_invoice();
CREATE TRIGGER invoices_reopen_update AFTER UPDATE ON "invoices" REFERENCING OLD TABLE AS was NEW TABLE AS written
	FOR EACH STATEMENT EXECUTE FUNCTION figures_reopen_invoice();
CREATE TRIGGER invoices_reopen_delete AFTER DELETE ON "invoices" REFERENCING OLD TABLE AS was
	FOR EACH STATEMENT EXECUTE FUNCTION figures_reopen_invoice();

CREATE FUNCTION figures_reopen_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	DELETE FROM figure_months figure WHERE EXISTS (
		SELECT FROM written WHERE to_char(created_at AT TIME ZONE figure.time_zone, 'YYYY-MM') = figure.month);
	RETURN NULL;
END $$;
CREATE TRIGGER refunds_reopen_insert AFTER INSERT ON "refunds" REFERENCING NEW TABLE AS written
	FOR EACH STATEMENT EXECUTE FUNCTION figures_reopen_refund();
CREATE TRIGGER refunds_reopen_update AFTER UPDATE ON "refunds" REFERENCING NEW TABLE AS written
	FOR EACH STATEMENT EXECUTE FUNCTION figures_reopen_refund();
