import type { Tx } from '#lib/core/db.server.ts';
import { requestEdge } from './edge/edgeServers.server.ts';
import { requestConvergence } from './tunnels/tunnels.server.ts';

/**
 * Says, as part of `tx`, that what the hosts of an instance lead to has changed: its own name, its customer's domains,
 * or whether anybody may come in.
 * @returns the version of its tunnel that must have been applied before that can be seen from outside
 */
export async function requestHosts(tx: Tx, { tenantId }: { tenantId: string }): Promise<number> {
	const tenant = await tx.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		select: {
			tunnelId: true,
			baseDomain: { select: { tunnelId: true, edgeServerId: true } },
			domains: {
				where: { driver: 'edge', status: { not: 'removed' } },
				select: { id: true },
				take: 1
			}
		}
	});
	const { tunnelId, edgeServerId } = tenant.baseDomain;
	if (edgeServerId && tenant.domains.length > 0) await requestEdge(tx, edgeServerId);
	return requestConvergence(tx, tenant.tunnelId ?? tunnelId);
}
