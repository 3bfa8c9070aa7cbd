import { after, DAY, HOUR, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { setting } from '../settings/settings.server.ts';

export const QUEUE_LIST = {
	sort: ['position'],
	defaultSort: 'position',
	filters: ['waits_for']
} satisfies ListSpec;

interface QueueQuery extends PageRequest {
	/** Looks in the name of the instance and of its company. */
	q: string;
	sort: { direction: 'asc' | 'desc' };
	/** `waits_for`: key of a plan. */
	filters: { waits_for?: string };
}

export interface WaitingTenant {
	id: string;
	slug: string;
	isolation: Isolation;
	plan: { name: string };
	customer: { companyName: string };
	/** Its turn among all who wait, from 1: who paid first is first, whatever the list shows. */
	position: number;
	since: Date;
	/** Waiting ends in a refund then. */
	until: Date;
}

const SINCE = Prisma.sql`coalesce(tenant.queued_at, tenant.created_at)`;

/** One page of those who wait for room, by their turn. */
export function listWaiting(
	tx: Tx,
	{ q, filters, sort, ...page }: QueueQuery
): Promise<{ rows: WaitingTenant[]; meta: PageMeta }> {
	const conditions = [Prisma.sql`tenant.status = 'waiting_capacity'`];
	if (filters.waits_for) conditions.push(Prisma.sql`plan.key = ${filters.waits_for}`);
	if (q) {
		const words = contains(q);
		conditions.push(
			Prisma.sql`(tenant.subdomain LIKE ${words} OR lower(customer.company_name) LIKE ${words})`
		);
	}
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`tenant_deployments AS tenant JOIN plans AS plan ON plan.id = tenant.plan_id
				JOIN customers AS customer ON customer.id = tenant.customer_id`,
			where: Prisma.join(conditions, ' AND '),
			...{ sortBy: SINCE, sortType: 'timestamptz', direction: sort.direction },
			id: Prisma.sql`tenant.id`
		},
		page,
		({ in: ids }) => rowsOf(tx, ids)
	);
}

async function rowsOf(tx: Tx, ids: string[]): Promise<WaitingTenant[]> {
	const maxWait = (await setting('provisioning.max_wait_hours')) * HOUR;
	const turns = await tx.$queryRaw<{ id: string; since: Date; position: number }[]>`
		SELECT turn.id, turn.since, turn.position FROM (
			SELECT tenant.id, ${SINCE} AS since, row_number() OVER (ORDER BY ${SINCE}, tenant.id)::int AS position
			FROM tenant_deployments tenant WHERE tenant.status = 'waiting_capacity'
		) turn WHERE turn.id = ANY(${ids}::uuid[])`;
	const tenants = await tx.tenant.findMany({
		where: { id: { in: ids } },
		select: {
			...{ id: true, slug: true, isolation: true },
			plan: { select: { name: true } },
			customer: { select: { companyName: true } }
		}
	});
	const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]));
	return turns.flatMap(({ id, since, position }) => {
		const tenant = byId.get(id);
		return tenant ? { ...tenant, since, position, until: after(since, maxWait) } : [];
	});
}

/** How many wait for room. */
export function countWaiting(tx: Tx): Promise<number> {
	return tx.tenant.count({ where: { status: 'waiting_capacity' } });
}

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

/**
 * When somebody who waits since then may expect room, if it goes as it went: by the median wait, and once that has passed by
 * what nine of ten waited at most. Null: nobody knows, or it has lasted longer than that already.
 */
export function expectedAt(waits: WaitHistory | null, since: Date): Date | null {
	if (!waits) return null;
	const times = [waits.medianSeconds, waits.p90Seconds].map((seconds) =>
		after(since, seconds * 1000)
	);
	return times.find((time) => time > now()) ?? null;
}
