import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Prisma, Tunnel } from '#prisma/generated/client.ts';
import { connectionCount, connectorsOf } from './tunnelConnectors.ts';

/** @throws {AppError} NOT_FOUND, of a deleted one too */
export async function findTunnel(tx: Tx, id: string): Promise<Tunnel> {
	const tunnel = await tx.tunnel.findFirst({ where: { id, deletedAt: null } });
	if (!tunnel) throw new AppError('NOT_FOUND');
	return tunnel;
}

/** What a tunnel still leads to; all nought when it may go. */
export interface TunnelUse {
	baseDomains: number;
	tenants: number;
	edgeHosts: number;
	/** Connections that were open when it was last looked at. */
	connections: number;
}

export async function tunnelUse(tx: Tx, id: string): Promise<TunnelUse> {
	const [row] = await tx.$queryRaw<
		{ baseDomains: bigint; tenants: bigint; edgeHosts: bigint; connectors: Prisma.JsonValue }[]
	>`
		SELECT (SELECT count(*) FROM base_domains WHERE tunnel_id = ${id}::uuid) AS "baseDomains",
			(SELECT count(*) FROM tenant_deployments
				WHERE tunnel_id = ${id}::uuid AND status NOT IN ('deleted', 'refunded')) AS tenants,
			(SELECT count(*) FROM edge_hosts WHERE tunnel_id = ${id}::uuid) AS "edgeHosts",
			(SELECT connectors FROM tunnels WHERE id = ${id}::uuid) AS connectors`;
	const { baseDomains, tenants, edgeHosts, connectors } = row!;
	return {
		baseDomains: Number(baseDomains),
		tenants: Number(tenants),
		edgeHosts: Number(edgeHosts),
		connections: connectionCount(connectorsOf(connectors))
	};
}

/** What keeps a tunnel, in words; empty when it may go. */
export function keepers(use: TunnelUse): string {
	const { baseDomains, tenants, edgeHosts, connections } = use;
	return [
		baseDomains > 0 ? m.tunnels_keeps_base_domains({ count: baseDomains }) : '',
		tenants > 0 ? m.tunnels_keeps_tenants({ count: tenants }) : '',
		edgeHosts > 0 ? m.tunnels_keeps_edge_hosts({ count: edgeHosts }) : '',
		connections > 0 ? m.tunnels_keeps_connections({ count: connections }) : ''
	]
		.filter(Boolean)
		.join(', ');
}

/** @throws {AppError} STILL_ALIVE with what keeps it */
export function checkUnused(use: TunnelUse): void {
	const what = keepers(use);
	if (what) throw new AppError('STILL_ALIVE', { params: { what } });
}
