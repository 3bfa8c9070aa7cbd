-- AlterTable
ALTER TABLE "proxmox_nodes" ADD COLUMN     "looked_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "refund_orders" ADD COLUMN     "due_since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "sent_again" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "signups" ADD COLUMN     "pay_by" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "signups_status_pay_by_idx" ON "signups"("status", "pay_by");

-- CreateIndex
CREATE INDEX "signups_tenant_id_idx" ON "signups"("tenant_id");

UPDATE "refund_orders" SET "due_since" = "created_at";

-- Links that are out already get the whole time from now on: nobody was told of an end.
UPDATE "signups" SET "pay_by" = now() + interval '7 days' WHERE "status" = 'open' AND "tenant_id" IS NOT NULL;

-- Median over everybody's set-ups that were paid for, from Stripe's moment of the first payment to an instance that
-- answers. Stripe's moments are whole seconds.
CREATE FUNCTION setup_speed_from_payment(since timestamptz)
	RETURNS TABLE ("seconds" float8, "runs" bigint)
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM run.finished_at - payment.at))::float8, count(*)
	FROM public.provisioning_jobs run
	JOIN public.tenant_deployments tenant ON tenant.id = run.subject_id
	JOIN LATERAL (
		SELECT min(invoice.paid_at) AS at FROM public.invoices invoice
		WHERE invoice.customer_id = tenant.customer_id AND invoice.subscription_id = tenant.subscription_id
	) payment ON payment.at <= run.finished_at
	WHERE run.saga = 'tenants.create' AND run.status = 'succeeded' AND run.finished_at > since
$$;
REVOKE ALL ON FUNCTION setup_speed_from_payment(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION setup_speed_from_payment(timestamptz) TO erp_tenant;
