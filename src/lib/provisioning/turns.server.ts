import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { Prisma, type Tenant } from '#prisma/generated/client.ts';

/** SQL: since when `tenant` waits for room. */
export const SINCE = Prisma.sql`coalesce(tenant.queued_at, tenant.created_at)`;

/** SQL: `tenant` waits for room and its set-up goes on. One that is being undone waits for its refund, not for room. */
export const HAS_TURN = Prisma.sql`(tenant.status = 'waiting_capacity' AND EXISTS (SELECT 1 FROM provisioning_jobs run
	WHERE run.subject_id = tenant.id AND run.status IN ('queued', 'running', 'waiting')))`;

/** SQL: the turn of `tenant` among those of its isolation, from 1. First paid, first served, for each isolation. */
export const TURN = Prisma.sql`row_number() OVER (PARTITION BY tenant.isolation ORDER BY ${SINCE}, tenant.id)::int`;

type Waiting = Pick<Tenant, 'id' | 'isolation' | 'queuedAt'>;

/** Whether somebody else gets the next room of its kind. */
export async function somebodyIsFirst(tx: Tx, tenant: Waiting): Promise<boolean> {
	const first = await tx.$queryRaw<object[]>`SELECT 1 ${ahead(tenant)} LIMIT 1`;
	return first.length > 0;
}

/** How many get room of its kind before it. */
export async function countAhead(tx: Tx, tenant: Waiting): Promise<number> {
	const [row] = await tx.$queryRaw<
		{ count: number }[]
	>`SELECT count(*)::int AS count ${ahead(tenant)}`;
	return row!.count;
}

function ahead({ id, isolation, queuedAt }: Waiting): Prisma.Sql {
	return Prisma.sql`FROM tenant_deployments tenant
		WHERE tenant.isolation = ${isolation}::isolation AND ${SINCE} < ${queuedAt ?? now()} AND tenant.id <> ${id}::uuid
			AND ${HAS_TURN}`;
}
