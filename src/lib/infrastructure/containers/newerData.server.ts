import type { Tx } from '#lib/core/db.server.ts';

/** More than so many names are none for a sentence. */
const NAMED = 6;

/**
 * Who keeps data on a container that were not there yet at a time, and would be gone if it went back to how it was then:
 * instances that came later to it, or to one that has its databases on it, and containers that were attached to it later.
 * @returns names, not all of them where there are many; empty when nobody would lose everything
 */
export async function newerData(tx: Tx, containerId: string, at: Date): Promise<string[]> {
	const rows = await tx.$queryRaw<{ name: string }[]>`
		SELECT served.hostname AS name FROM lxc_containers served
		JOIN container_secrets secret ON secret.container_id = served.id
		WHERE served.postgres_container_id = ${containerId}::uuid AND served.status <> 'deleted'
			AND secret.attached_at > ${at}
		UNION
		SELECT tenant.subdomain FROM tenant_deployments tenant
		JOIN lxc_containers place ON place.id = tenant.container_id
		WHERE (place.id = ${containerId}::uuid OR place.postgres_container_id = ${containerId}::uuid)
			AND tenant.status NOT IN ('deleted', 'refunded')
			AND (tenant.activated_at > ${at} OR EXISTS (SELECT FROM tenant_migrations move
				WHERE move.tenant_id = tenant.id AND move.to_container_id = place.id
					AND move.from_container_id <> place.id AND move.container_move_id IS NULL
					AND move.status IN ('running', 'confirming', 'succeeded', 'failed')
					AND coalesce(move.on_air_at, move.finished_at, now()) > ${at}))
		ORDER BY name LIMIT ${NAMED}`;
	return rows.map(({ name }) => name);
}
