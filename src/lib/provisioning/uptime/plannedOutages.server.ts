import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';

/** We took these instances off the air ourselves at `at`; an outage that they were in is over, since it is ours from now on. */
export async function beginPlannedOutages(tx: Tx, tenantIds: string[], at: Date): Promise<void> {
	if (tenantIds.length === 0) return;
	await tx.$executeRaw`
		UPDATE tenant_outages SET ended_at = ${at} WHERE tenant_id = ANY(${tenantIds}::uuid[]) AND ended_at IS NULL AND NOT planned`;
	await tx.$executeRaw`
		INSERT INTO tenant_outages (id, tenant_id, customer_id, started_at, seen, planned)
		SELECT gen_random_uuid(), id, customer_id, ${at}, 'moving', true FROM tenant_deployments WHERE id = ANY(${tenantIds}::uuid[])
		ON CONFLICT (tenant_id) WHERE ended_at IS NULL DO NOTHING`;
	await publish(
		tx,
		tenantIds.map((id) => `tenant:${id}`)
	);
}

/** They answer again, or nobody is to reach them: whatever outage they were in is over. */
export async function endOutages(tx: Tx, tenantIds: string[], at: Date): Promise<void> {
	if (tenantIds.length === 0) return;
	await tx.$executeRaw`
		UPDATE tenant_outages SET ended_at = greatest(started_at, ${at}::timestamptz)
		WHERE tenant_id = ANY(${tenantIds}::uuid[]) AND ended_at IS NULL`;
	await publish(
		tx,
		tenantIds.map((id) => `tenant:${id}`)
	);
}

/** What keeps them away from `at` on is nobody's plan: an outage like any other follows on the planned one. */
export async function planFailed(tx: Tx, tenantIds: string[], at: Date): Promise<void> {
	if (tenantIds.length === 0) return;
	const over = await tx.$queryRaw<{ tenant_id: string }[]>`
		UPDATE tenant_outages SET ended_at = greatest(started_at, ${at}::timestamptz)
		WHERE tenant_id = ANY(${tenantIds}::uuid[]) AND ended_at IS NULL AND planned RETURNING tenant_id`;
	await tx.$executeRaw`
		INSERT INTO tenant_outages (id, tenant_id, customer_id, started_at, seen, planned)
		SELECT gen_random_uuid(), id, customer_id, ${at}, 'move_failed', false FROM tenant_deployments
		WHERE id = ANY(${over.map(({ tenant_id }) => tenant_id)}::uuid[])
		ON CONFLICT (tenant_id) WHERE ended_at IS NULL DO NOTHING`;
	await publish(
		tx,
		tenantIds.map((id) => `tenant:${id}`)
	);
}
