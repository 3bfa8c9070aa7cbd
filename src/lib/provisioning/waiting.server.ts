import { after, DAY, HOUR, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { setting } from '../settings/settings.server.ts';
import { HAS_TURN, SINCE, TURN } from './turns.server.ts';

export const QUEUE_LIST = {
	sort: ['since'],
	defaultSort: 'since',
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
	/**
	 * Its turn among those who wait for its kind of place, from 1: who paid first is first, whatever the list shows. Null: its
	 * set-up does not go on, and room goes to others.
	 */
	position: number | null;
	since: Date;
	/** Waiting ends in a refund then; null without a turn. */
	until: Date | null;
}

/** One page of those who wait for room, who paid first first. */
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
	const turns = await tx.$queryRaw<{ id: string; since: Date; position: number | null }[]>`
		SELECT tenant.id, ${SINCE} AS since, turn.position FROM tenant_deployments tenant
		LEFT JOIN (SELECT tenant.id, ${TURN} AS position FROM tenant_deployments tenant WHERE ${HAS_TURN}) turn
			ON turn.id = tenant.id
		WHERE tenant.id = ANY(${ids}::uuid[])`;
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
		const until = position === null ? null : after(since, maxWait);
		return tenant ? { ...tenant, since, position, until } : [];
	});
}

/** How many wait for room of each kind of place; of those for which nobody waits there is no entry. */
export async function countWaiting(tx: Tx): Promise<Partial<Record<Isolation, number>>> {
	const rows = await tx.$queryRaw<{ isolation: Isolation; count: number }[]>`
		SELECT tenant.isolation, count(*)::int AS count FROM tenant_deployments tenant WHERE ${HAS_TURN} GROUP BY 1`;
	return Object.fromEntries(rows.map(({ isolation, count }) => [isolation, count]));
}

/** Waits that an estimate looks back at. */
const WAITS_DAYS = 90;

/** How long those who had to wait for room waited: median and nine of ten, from our own runs. */
export interface WaitHistory {
	count: number;
	medianSeconds: number;
	p90Seconds: number;
}

/** Of each kind of place; none where nobody has waited for it and found room, so that nothing is promised. */
export type WaitHistories = Partial<Record<Isolation, WaitHistory>>;

/** Of the last 90 days. An instance that has moved to another kind of place since waited for the one that it had first. */
export async function waitHistories(tx: Tx): Promise<WaitHistories> {
	const rows = await tx.$queryRaw<({ isolation: Isolation } & WaitHistory)[]>`
		SELECT isolation, count(*)::int AS count,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS "medianSeconds",
			percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS "p90Seconds"
		FROM (
			SELECT extract(epoch FROM place.finished_at - ${SINCE})::float8 AS seconds,
				coalesce((SELECT move.from_isolation FROM tenant_migrations move
					WHERE move.tenant_id = tenant.id AND move.status IN ('confirming', 'succeeded')
					ORDER BY move.created_at LIMIT 1), tenant.isolation) AS isolation
			FROM provisioning_steps place
			JOIN provisioning_jobs job ON job.id = place.job_id AND job.state->>'toldNoRoom' = 'true'
			JOIN tenant_deployments tenant ON tenant.id = job.subject_id
			WHERE place.name = 'place' AND place.status = 'done'
				AND place.finished_at > ${after(now(), -WAITS_DAYS * DAY)}
		) waits GROUP BY isolation`;
	return Object.fromEntries(rows.map(({ isolation, ...waits }) => [isolation, waits]));
}

/**
 * When somebody who waits may expect room, if it goes as it went for its kind of place: by the median wait, and once that has
 * passed by what nine of ten waited at most. Null: nobody knows, it has lasted longer than that already, or it has no turn.
 */
export function expectedAt(
	histories: WaitHistories,
	{ isolation, since, position }: Pick<WaitingTenant, 'isolation' | 'since' | 'position'>
): Date | null {
	const waits = histories[isolation];
	if (!waits || position === null) return null;
	const times = [waits.medianSeconds, waits.p90Seconds].map((seconds) =>
		after(since, seconds * 1000)
	);
	return times.find((time) => time > now()) ?? null;
}
