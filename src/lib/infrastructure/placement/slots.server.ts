import type { Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';

/** Tenants in these states hold no slot. */
export const GONE_TENANTS = ['deleted', 'refunded'] as const;

/** Tenants in a container besides one, deleted and refunded ones aside, with those that moves hold a place for. */
export async function othersIn(tx: Tx, containerId: string, tenantId?: string): Promise<number> {
	const held = await slotsOfMoves(tx, { containerId, besidesTenantId: tenantId });
	const there = await tx.tenant.count({
		where: {
			containerId,
			status: { notIn: [...GONE_TENANTS] },
			...(tenantId ? { id: { not: tenantId } } : {})
		}
	});
	return there + (held.get(containerId) ?? 0);
}

/**
 * Slots that moves hold besides the instances that are there, by container: of those on their way, and of those that left and
 * are kept until somebody confirms.
 * @param only of one container, and without the moves of one instance
 */
export async function slotsOfMoves(
	tx: Tx,
	only?: { containerId: string; besidesTenantId?: string }
): Promise<Map<string, number>> {
	const container = only
		? Prisma.sql`AND place.id = ${only.containerId}::uuid AND tenant.id IS DISTINCT FROM ${only.besidesTenantId ?? null}::uuid`
		: Prisma.empty;
	const rows = await tx.$queryRaw<{ id: string; held: number }[]>`
		SELECT place.id, count(*)::int AS held
		FROM tenant_migrations move
		JOIN tenant_deployments tenant ON tenant.id = move.tenant_id
		CROSS JOIN LATERAL (
			SELECT DISTINCT id FROM unnest(ARRAY[move.from_container_id, move.to_container_id]) AS it(id) WHERE id IS NOT NULL
		) place
		WHERE move.container_move_id IS NULL AND move.status IN ('planned', 'running', 'confirming', 'failed')
			AND tenant.container_id IS DISTINCT FROM place.id ${container}
		GROUP BY place.id`;
	return new Map(rows.map(({ id, held }) => [id, held]));
}
