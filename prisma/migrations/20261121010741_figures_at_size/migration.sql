-- CreateIndex
CREATE INDEX "mrr_movements_currency_at_kind_amount_idx" ON "mrr_movements"("currency", "at", "kind", "amount");

-- CreateIndex
CREATE INDEX "provisioning_jobs_saga_status_finished_at_idx" ON "provisioning_jobs"("saga", "status", "finished_at");

-- CreateIndex
CREATE INDEX "subscriptions_currency_mrr_idx" ON "subscriptions"("currency", "mrr");

-- CreateIndex
CREATE INDEX "tenant_deployments_plan_id_created_at_idx" ON "tenant_deployments"("plan_id", "created_at");

-- CreateIndex
CREATE INDEX "tenant_deployments_activated_at_idx" ON "tenant_deployments"("activated_at");

-- Medians over everybody's set-ups: pages of customers show them, whose role sees its own runs alone.
-- The row without a position is the whole set-up, the others are its steps.
CREATE FUNCTION setup_speed(since timestamptz)
	RETURNS TABLE ("position" int, "name" text, "seconds" float8, "runs" bigint)
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
	WITH lately AS (
		SELECT run.id, run.created_at, run.finished_at FROM public.provisioning_jobs run
		WHERE run.saga = 'tenants.create' AND run.status = 'succeeded' AND run.finished_at > since
	)
	SELECT NULL, NULL,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at))::float8, count(*)
	FROM lately
	UNION ALL
	SELECT step.position, step.name,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM step.finished_at - step.started_at))::float8, count(*)
	FROM lately JOIN public.provisioning_steps step ON step.job_id = lately.id
	WHERE step.status = 'done' AND step.started_at IS NOT NULL AND step.finished_at IS NOT NULL
	GROUP BY step.position, step.name
$$;
REVOKE ALL ON FUNCTION setup_speed(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION setup_speed(timestamptz) TO erp_tenant;
