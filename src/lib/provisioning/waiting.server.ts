import { after, DAY, HOUR, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { setting } from '../settings/settings.server.ts';

/** Who waits for room, who paid first first, each with the moment at which waiting ends in a refund. */
export async function waitingQueue(tx: Tx, take = 100) {
	const maxWait = (await setting('provisioning.max_wait_hours')) * HOUR;
	const tenants = await tx.tenant.findMany({
		where: { status: 'waiting_capacity' },
		orderBy: [{ queuedAt: 'asc' }, { id: 'asc' }],
		take,
		select: {
			id: true,
			slug: true,
			isolation: true,
			queuedAt: true,
			createdAt: true,
			plan: { select: { name: true } },
			customer: { select: { companyName: true } }
		}
	});
	return tenants.map(({ queuedAt, createdAt, ...tenant }) => {
		const since = queuedAt ?? createdAt;
		return { ...tenant, since, until: after(since, maxWait) };
	});
}

export type WaitingTenant = Awaited<ReturnType<typeof waitingQueue>>[number];

/** Waits that an estimate looks back at. */
const WAITS_DAYS = 90;

/** How long those who had to wait for room waited: median and nine of ten, from our own runs. */
export interface WaitHistory {
	count: number;
	medianSeconds: number;
	p90Seconds: number;
}

/** Of the last 90 days; null when nobody has waited and found room, so that nothing is promised. */
export async function waitHistory(tx: Tx): Promise<WaitHistory | null> {
	const [row] = await tx.$queryRaw<{ count: number; median: number | null; p90: number | null }[]>`
		SELECT count(*)::int AS count,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
			percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS p90
		FROM (
			SELECT extract(epoch FROM place.finished_at - coalesce(tenant.queued_at, tenant.created_at))::float8 AS seconds
			FROM provisioning_steps place
			JOIN provisioning_jobs job ON job.id = place.job_id AND job.state->>'toldNoRoom' = 'true'
			JOIN tenant_deployments tenant ON tenant.id = job.subject_id
			WHERE place.name = 'place' AND place.status = 'done'
				AND place.finished_at > ${after(now(), -WAITS_DAYS * DAY)}
		) waits`;
	if (!row || row.median === null || row.p90 === null) return null;
	return { count: row.count, medianSeconds: row.median, p90Seconds: row.p90 };
}
