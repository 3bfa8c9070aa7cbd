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
		/** Made ahead, and nobody's yet. */
		warmPlanId: string | null;
		tenants: { id: string; slug: string }[];
	}[];
	/** `CT 201 acme`: of other nodes, that it takes over when theirs dies. */
	standbys: string[];
	/** The same of those that are being moved to it, or that came from it and may have to go back. */
	moves: string[];
	/** Names of those that lead to it or run on it. */
	tunnels: string[];
	edgeServers: string[];
}

/** Made ahead, and nobody's yet. */
export const WARM = { warmPlanId: { not: null }, status: { not: 'deleted' } } as const;

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
	const namedBy = (way: { haNodeId: string } | { moveToNodeId: string }) =>
		tx.container.findMany({
			where: { ...way, status: { not: 'deleted' } },
			select: { vmid: true, hostname: true },
			orderBy: { vmid: 'asc' }
		});
	const standbys = await namedBy({ haNodeId: nodeId });
	const moves = await namedBy({ moveToNodeId: nodeId });
	const edgeServers = await tx.edgeServer.findMany({ where: { nodeId }, ...byName });
	return {
		total: await tx.container.count({ where }),
		containers: await tx.container.findMany({
			where,
			select: {
				...{ id: true, vmid: true, hostname: true, purpose: true, status: true, warmPlanId: true },
				tenants: {
					where: { status: { notIn: ['deleted', 'refunded'] } },
					select: { id: true, slug: true },
					orderBy: { slug: 'asc' }
				}
			},
			orderBy: { vmid: 'asc' },
			take: SHOWN
		}),
		standbys: standbys.map(nameOf),
		moves: moves.map(nameOf),
		tunnels: tunnels.map(({ name }) => name),
		edgeServers: edgeServers.map(({ name }) => name)
	};
}

/**
 * What keeps a node from being removed, in words; null when nothing does. The templates on the last node of a cluster are
 * no reason to keep it: without it there is nothing left to copy them to. Nor is what was made ahead on one that is dead.
 */
export async function whyNodeStays(
	tx: Tx,
	{ id, clusterId, offlineSince }: { id: string; clusterId: string; offlineSince: Date | null }
): Promise<string | null> {
	const others = await tx.node.count({ where: { clusterId, removedAt: null, NOT: { id } } });
	const lives = await dwellersOf(tx, id, others === 0 ? 'template' : undefined);
	const warm = await tx.container.findMany({
		where: { ...WARM, nodeId: id },
		select: { vmid: true, hostname: true },
		orderBy: { vmid: 'asc' }
	});
	const containers = lives.containers.filter(({ warmPlanId }) => !warmPlanId).map(nameOf);
	const total = lives.total - warm.length;
	const parts = [
		...(total > 0 ? [m.node_lives_containers({ names: list(containers, total) })] : []),
		// Of a node that does not answer nobody can take them down, and nobody misses them.
		...(warm.length > 0 && !offlineSince
			? [m.node_lives_warm({ names: list(warm.map(nameOf)) })]
			: []),
		...(lives.standbys.length > 0 ? [m.node_lives_standbys({ names: list(lives.standbys) })] : []),
		...(lives.moves.length > 0 ? [m.node_lives_moves({ names: list(lives.moves) })] : []),
		...(lives.tunnels.length > 0 ? [m.node_lives_tunnels({ names: list(lives.tunnels) })] : []),
		...(lives.edgeServers.length > 0 ? [m.node_lives_edge({ names: list(lives.edgeServers) })] : [])
	];
	return parts.length > 0 ? parts.join('; ') : null;
}

function nameOf({ vmid, hostname }: { vmid: number; hostname: string }): string {
	return `${vmid} ${hostname}`;
}

function list(names: string[], total = names.length): string {
	const said = names.slice(0, NAMED).join(', ');
	return total > NAMED ? `${said} +${total - NAMED}` : said;
}
