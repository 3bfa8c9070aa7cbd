import type { Tx } from '#lib/core/db.server.ts';
import type { Tunnel } from '#prisma/generated/client.ts';
import { CARRIES } from './tunnelState.server.ts';
import { setting } from '../../settings/settings.server.ts';

/**
 * The tunnel that a new tenant is published through: the node's own where tunnels go by node and it has one that carries
 * requests, else that of the base domain. One that is still being made, or whose cloudflared nobody has installed, takes none.
 * @param nodeId of the container; null while there is none
 */
export async function tunnelFor(
	tx: Tx,
	place: { baseDomain: { tunnelId: string }; nodeId: string | null }
): Promise<Tunnel> {
	const { baseDomain, nodeId } = place;
	if (nodeId && (await setting('cloudflare.tunnel_per')) === 'node') {
		const own = await tx.tunnel.findFirst({
			where: { nodeId, deletedAt: null, status: { in: [...CARRIES] } }
		});
		if (own) return own;
	}
	return tx.tunnel.findUniqueOrThrow({ where: { id: baseDomain.tunnelId } });
}
