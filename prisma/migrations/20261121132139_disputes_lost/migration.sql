-- AlterTable
ALTER TABLE "disputes" ADD COLUMN     "invoice_id" UUID,
ADD COLUMN     "withdrawn_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "invoices" ADD COLUMN     "charged_back_amount" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "disputes_invoice_id_idx" ON "disputes"("invoice_id");

-- CreateIndex
CREATE INDEX "disputes_currency_withdrawn_at_idx" ON "disputes"("currency", "withdrawn_at");

-- AddForeignKey
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_customer_id_invoice_id_fkey" FOREIGN KEY ("customer_id", "invoice_id") REFERENCES "invoices"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What banks took back counts in the month in which the money left, as refunds do.
UPDATE disputes SET withdrawn_at = opened_at WHERE status NOT LIKE 'warning%' AND status <> 'prevented';

CREATE FUNCTION figures_reopen_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM figures_are_written();
	DELETE FROM figure_months figure WHERE EXISTS (
		SELECT FROM written WHERE withdrawn_at < figure.summed_until
			AND to_char(withdrawn_at AT TIME ZONE figure.time_zone, 'YYYY-MM') = figure.month);
	RETURN NULL;
END $$;
CREATE TRIGGER disputes_reopen_insert AFTER INSERT ON "disputes" REFERENCING NEW TABLE AS written
	FOR EACH STATEMENT EXECUTE FUNCTION figures_reopen_dispute();
CREATE TRIGGER disputes_reopen_update AFTER UPDATE ON "disputes" REFERENCING NEW TABLE AS written
	FOR EACH STATEMENT EXECUTE FUNCTION figures_reopen_dispute();

-- Months that were summed before know nothing of disputes that were lost in them.
DELETE FROM figure_months WHERE EXISTS (SELECT FROM disputes WHERE status = 'lost');
