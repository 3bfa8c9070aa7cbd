import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { ClusterResource } from '#lib/integrations/proxmox/types.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { lookAtCluster, sightOf } from './clusterLook.server.ts';
import { eachAlone } from './eachAlone.server.ts';
import { lookAtNode, type NodeSight } from './nodeLook.server.ts';
import { keepLook } from './nodeStates.server.ts';
import { keepStorages } from './storages.server.ts';

/** Nodes that are looked at at the same time. */
const AT_A_TIME = 25;

interface Watched {
	id: string;
	rootfsStorage: string;
}

/** Who wants what a cluster has, too, while it is fresh. */
type Listener = (cluster: Watched, resources: ClusterResource[]) => Promise<void>;

/**
 * Looks at every node, and stores what it says or that it does not answer: one call to each, and two to each cluster of
 * several. What a look that began later has found out stays, however long the earlier one waits for its answer. What goes
 * wrong with one node or cluster keeps nobody from looking at the others.
 * @throws the first failure that was not a node's, once all were looked at
 */
export async function checkNodes(listener: Listener = async () => {}): Promise<void> {
	const nodes = await db.node.findMany({
		where: { removedAt: null, credential: { isNot: null } },
		include: { credential: true, cluster: { select: { id: true, rootfsStorage: true } } },
		orderBy: { name: 'asc' }
	});
	const misses = await setting('infrastructure.node_misses');
	const sights = await inParallel(nodes, AT_A_TIME, lookAtNode);
	const clusters = new Map(nodes.map(({ cluster }) => [cluster.id, cluster]));
	try {
		await eachAlone([...clusters.values()], (cluster) =>
			keepCluster(
				cluster,
				sights.filter(({ node }) => node.clusterId === cluster.id),
				{ misses, listener }
			)
		);
	} finally {
		await transaction((tx) => publish(tx, 'staff:nodes'));
	}
}

async function keepCluster(
	cluster: Watched,
	members: NodeSight[],
	{ misses, listener }: { misses: number; listener: Listener }
): Promise<void> {
	const answered = members.filter(({ api }) => 'ms' in api);
	let unheard: unknown = null;
	const sight = await lookAtCluster(
		answered.flatMap(({ client }) => client ?? []),
		(resources) =>
			listener(cluster, resources).catch((error: unknown) => {
				unheard = error;
			})
	);
	for (const member of members) {
		const hasAnswered = answered.includes(member);
		await transaction((tx) =>
			keepLook(tx, {
				node: member.node,
				lookedAt: member.lookedAt,
				seen: {
					...member,
					rootfsStorage: cluster.rootfsStorage,
					cluster: sightOf(hasAnswered ? sight : null, member.node.name),
					isFirst: member === answered[0]
				},
				sight: hasAnswered ? sight : null,
				misses
			})
		);
	}
	if (sight) await transaction((tx) => keepStorages(tx, answered, sight));
	// The nodes are as they are, whatever somebody made of what they said.
	if (unheard) throw unheard;
}

/** Runs `work` for each, so many at a time, in order. */
async function inParallel<T, R>(
	all: T[],
	atATime: number,
	work: (one: T) => Promise<R>
): Promise<R[]> {
	const results: R[] = [];
	let next = 0;
	const runner = async () => {
		while (next < all.length) {
			const index = next++;
			results[index] = await work(all[index]!);
		}
	};
	await Promise.all(Array.from({ length: Math.min(atATime, all.length) }, runner));
	return results;
}
