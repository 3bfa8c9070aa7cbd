import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import type { Tunnel } from '#prisma/generated/client.ts';
import type { Connector } from '../../integrations/cloudflare/types.ts';
import { closeAlert, openAlert } from '../../notifications/alerts.server.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { connectorsOf, type KeptConnector } from './tunnelConnectors.ts';
import { isMade } from './tunnelRow.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'tunnels.watch': Record<string, never>;
	}
}

export const DOWN_RULE = 'domains.tunnel-down';
/** Not Cloudflare's word: it does not list the tunnel any more. */
export const GONE = 'deleted';
/** What Cloudflare calls a tunnel that requests come through. */
export const CARRIES: ReadonlySet<string> = new Set(['healthy', 'degraded']);

/**
 * Looks how each tunnel is connected, and keeps what was seen and when. What could not be seen stays as it was, with the
 * reason: old knowledge is shown as old.
 */
export async function watchTunnels(): Promise<void> {
	const tunnels = (await db.tunnel.findMany({ where: { deletedAt: null } })).filter(isMade);
	if (tunnels.length === 0) return;
	const client = await cloudflareClient({}, 'sync');
	let listed: Map<string, string>;
	try {
		listed = new Map((await client.tunnels.list()).map(({ id, status }) => [id, status]));
	} catch (error) {
		await unseen(
			tunnels.map(({ id }) => id),
			error
		);
		return;
	}
	for (const tunnel of tunnels) {
		const status = listed.get(tunnel.cloudflareId) ?? GONE;
		try {
			// Who is connected is asked for alone where somebody can be.
			const connectors = CARRIES.has(status)
				? (await client.tunnels.connections(tunnel.cloudflareId)).map(kept)
				: [];
			await seen(tunnel, status, connectors);
		} catch (error) {
			await unseen([tunnel.id], error);
		}
	}
}

async function seen(tunnel: Tunnel, status: string, connectors: KeptConnector[]): Promise<void> {
	const differs =
		status !== tunnel.status ||
		tunnel.seenError !== null ||
		JSON.stringify(connectorsOf(tunnel.connectors)) !== JSON.stringify(connectors);
	await transaction(async (tx) => {
		await tx.tunnel.update({
			where: { id: tunnel.id },
			data: { status, connectors, seenAt: now(), seenError: null }
		});
		const subject = { rule: DOWN_RULE, subjectType: 'tunnel', subjectId: tunnel.id };
		if (!CARRIES.has(status) && (await routes(tx, tunnel.id))) {
			const data = { tunnel: tunnel.name, status };
			await openAlert(tx, { ...subject, severity: 'critical', data });
		} else {
			await closeAlert(tx, subject);
		}
		if (differs) await publish(tx, [`tunnel:${tunnel.id}`, 'staff:tunnels'], tunnel.id);
	});
}

async function unseen(ids: string[], error: unknown): Promise<void> {
	const message = error instanceof Error ? error.message : String(error);
	await transaction(async (tx) => {
		const { count } = await tx.tunnel.updateMany({
			where: { id: { in: ids }, OR: [{ seenError: null }, { seenError: { not: message } }] },
			data: { seenError: message }
		});
		if (count > 0) await publish(tx, 'staff:tunnels');
	});
}

/** Somebody would miss it: tenants are published through it, or hosts of ours. */
export async function routes(tx: Tx, tunnelId: string): Promise<boolean> {
	const [row] = await tx.$queryRaw<{ routes: boolean }[]>`
		SELECT EXISTS (SELECT 1 FROM edge_hosts WHERE tunnel_id = ${tunnelId}::uuid)
			OR EXISTS (SELECT 1 FROM tenant_deployments WHERE tunnel_id = ${tunnelId}::uuid AND published)
			OR EXISTS (
				SELECT 1 FROM tenant_deployments tenant JOIN base_domains base ON base.id = tenant.base_domain_id
				WHERE tenant.published AND base.tunnel_id = ${tunnelId}::uuid AND (tenant.tunnel_id IS NULL OR EXISTS (
					-- A custom hostname comes by the tunnel of its base domain.
					SELECT 1 FROM custom_domains own WHERE own.tenant_deployment_id = tenant.id
						AND own.driver = 'custom_hostname' AND own.published AND own.verification_status <> 'removed'))) AS routes`;
	return row!.routes;
}

function kept(connector: Connector): KeptConnector {
	const {
		id,
		version = null,
		arch = null,
		run_at = null,
		config_version = null,
		conns
	} = connector;
	return {
		...{ id, version, arch, run_at, config_version },
		conns: conns.map(({ colo_name = null, opened_at = null, origin_ip = null }) => ({
			...{ colo_name, opened_at, origin_ip }
		}))
	};
}

defineJob({
	name: 'tunnels.watch',
	payload: z.object({}),
	run: watchTunnels,
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
