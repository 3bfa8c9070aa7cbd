import type { Tx } from '#lib/core/db.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';

/** What lives on a node. */
export interface Dwellers {
	/** How many containers there are in all. */
	total: number;
	/** The first of them by VMID; the list of containers shows all. */
	containers: {
		id: string;
		vmid: number;
		hostname: string;
		purpose: ContainerPurpose;
		status: ContainerStatus;
		tenants: { id: string; slug: string }[];
	}[];
	/** Names of those that lead to it or run on it. */
	tunnels: string[];
	edgeServers: string[];
}

const SHOWN = 50;
/** More than so many names are none for a sentence. */
const NAMED = 10;

/** @param besides a purpose that does not count */
export async function dwellersOf(
	tx: Tx,
	nodeId: string,
	besides?: ContainerPurpose
): Promise<Dwellers> {
	const where = {
		nodeId,
		status: { not: 'deleted' },
		...(besides ? { purpose: { not: besides } } : {})
	} as const;
	const byName = { select: { name: true }, orderBy: { name: 'asc' } } as const;
	const tunnels = await tx.tunnel.findMany({
		where: { deletedAt: null, OR: [{ nodeId }, { hostNodeId: nodeId }] },
		...byName
	});
	const edgeServers = await tx.edgeServer.findMany({ where: { nodeId }, ...byName });
	return {
		total: await tx.container.count({ where }),
		containers: await tx.container.findMany({
			where,
			select: {
				...{ id: true, vmid: true, hostname: true, purpose: true, status: true },
				tenants: {
					where: { status: { notIn: ['deleted', 'refunded'] } },
					select: { id: true, slug: true },
					orderBy: { slug: 'asc' }
				}
			},
			orderBy: { vmid: 'asc' },
			take: SHOWN
		}),
		tunnels: tunnels.map(({ name }) => name),
		edgeServers: edgeServers.map(({ name }) => name)
	};
}

/**
 * What keeps a node from being removed, in words; null when nothing does. The templates on the last node of a cluster are
 * no reason to keep it: without it there is nothing left to copy them to.
 */
export async function whyNodeStays(
	tx: Tx,
	{ id, clusterId }: { id: string; clusterId: string }
): Promise<string | null> {
	const others = await tx.node.count({ where: { clusterId, removedAt: null, NOT: { id } } });
	const lives = await dwellersOf(tx, id, others === 0 ? 'template' : undefined);
	const containers = lives.containers.map(({ vmid, hostname }) => `${vmid} ${hostname}`);
	const parts = [
		...(lives.total > 0 ? [m.node_lives_containers({ names: list(containers, lives.total) })] : []),
		...(lives.tunnels.length > 0 ? [m.node_lives_tunnels({ names: list(lives.tunnels) })] : []),
		...(lives.edgeServers.length > 0 ? [m.node_lives_edge({ names: list(lives.edgeServers) })] : [])
	];
	return parts.length > 0 ? parts.join('; ') : null;
}

function list(names: string[], total = names.length): string {
	const said = names.slice(0, NAMED).join(', ');
	return total > NAMED ? `${said} +${total - NAMED}` : said;
}
