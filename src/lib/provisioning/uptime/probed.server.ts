import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';

/** An instance that should be on the air, with what the last probe left. */
export interface Probed {
	id: string;
	customerId: string;
	slug: string;
	/** Its base domain. */
	zone: string;
	databaseName: string;
	status: 'active' | 'degraded';
	/** Misses in a row before this look. */
	misses: number;
	/** Its customer's own domain that visitors come by, while one is at work. */
	domainId: string | null;
	hostname: string | null;
	/** The outage that it is in, and whether that was ours. */
	outageId: string | null;
	outagePlanned: boolean | null;
	/**
	 * We keep it off the air ourselves: staff stopped its container or that of its databases, an act of theirs has just been at
	 * one of them, or it comes back from a move.
	 */
	planned: boolean;
	/** Staff were told that it is down. */
	alerted: boolean;
	/** The tunnel that its platform name comes by, and its name. */
	tunnelId: string | null;
	tunnel: string | null;
}

const PAGE = 1_000;
/** An instance needs about this long to answer after its container has started. */
const BOOT = 3 * MINUTE;

/** Everything that is to answer in public, a page at a time: what is suspended, being moved or unpublished is not asked. */
export async function* probedPages(): AsyncGenerator<Probed[]> {
	let last = '00000000-0000-0000-0000-000000000000';
	for (;;) {
		const page = await db.$queryRaw<Probed[]>`
			SELECT tenant.id, tenant.customer_id AS "customerId", tenant.subdomain AS slug, base_domain.name AS zone,
				tenant.database_name AS "databaseName", tenant.status::text AS status, tenant.probe_misses AS misses,
				domain.id AS "domainId", domain.external_domain AS hostname,
				outage.id AS "outageId", outage.planned AS "outagePlanned",
				EXISTS (SELECT 1 FROM lxc_containers needed
					WHERE needed.id IN (container.id, container.postgres_container_id)
						AND (NOT needed.wanted_running OR EXISTS (SELECT 1 FROM container_acts act
							WHERE act.container_id = needed.id AND act.act IN ('start', 'stop', 'restart', 'rollback')
								AND (act.status IN ('queued', 'running') OR act.finished_at > ${after(now(), -BOOT)}))))
					OR EXISTS (SELECT 1 FROM tenant_migrations move WHERE move.tenant_id = tenant.id
						AND move.status IN ('planned', 'running') AND move.off_air_at IS NOT NULL AND move.on_air_at IS NULL)
						AND outage.planned IS DISTINCT FROM false AS planned,
				EXISTS (SELECT 1 FROM alerts alert WHERE alert.rule = 'provisioning.tenant-down'
					AND alert.subject_type = 'tenant' AND alert.subject_id = tenant.id::text AND alert.closed_at IS NULL) AS alerted,
				tunnel.id AS "tunnelId", tunnel.name AS tunnel
			FROM tenant_deployments tenant
			JOIN base_domains base_domain ON base_domain.id = tenant.base_domain_id
			JOIN lxc_containers container ON container.id = tenant.container_id
			LEFT JOIN tunnels tunnel ON tunnel.id = COALESCE(tenant.tunnel_id, base_domain.tunnel_id)
			LEFT JOIN LATERAL (SELECT id, external_domain FROM custom_domains
				WHERE tenant_deployment_id = tenant.id AND is_primary AND published AND verification_status = 'active'
				LIMIT 1) domain ON true
			LEFT JOIN tenant_outages outage ON outage.tenant_id = tenant.id AND outage.ended_at IS NULL
			WHERE tenant.status IN ('active', 'degraded') AND tenant.published AND tenant.id > ${last}::uuid
			ORDER BY tenant.id LIMIT ${PAGE}`;
		if (page.length > 0) yield page;
		const end = page.at(-1);
		if (!end || page.length < PAGE) return;
		last = end.id;
	}
}
