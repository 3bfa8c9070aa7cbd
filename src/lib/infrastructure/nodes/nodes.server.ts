import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { lookAtCluster, sightOf } from './clusterLook.server.ts';
import { lookAtNode, type NodeSight } from './nodeLook.server.ts';
import { keepLook } from './nodeStates.server.ts';
import { keepStorages } from './storages.server.ts';

/** Nodes that are looked at, and clusters whose looks are kept, at the same time. */
const AT_A_TIME = 25;
const CLUSTERS_AT_A_TIME = 4;

/**
 * Looks at every node, and stores what it says or that it does not answer: one call each, three for each cluster, and every
 * few minutes two more each. What a look that began later has found out stays, however long the earlier one waits for its
 * answer.
 */
export async function checkNodes(): Promise<void> {
	const nodes = await db.node.findMany({
		where: { removedAt: null, credential: { isNot: null } },
		include: { credential: true, cluster: { select: { rootfsStorage: true } } },
		orderBy: { name: 'asc' }
	});
	const misses = await setting('infrastructure.node_misses');
	const sights = await inParallel(nodes, AT_A_TIME, lookAtNode);
	const clusters = Map.groupBy(sights, ({ node }) => node.clusterId);
	await inParallel([...clusters.values()], CLUSTERS_AT_A_TIME, async (members) => {
		const { rootfsStorage } = nodes.find(({ id }) => id === members[0]!.node.id)!.cluster;
		await keepCluster(members, rootfsStorage, misses);
	});
	await transaction((tx) => publish(tx, 'staff:nodes'));
}

async function keepCluster(
	members: NodeSight[],
	rootfsStorage: string,
	misses: number
): Promise<void> {
	const answered = members.filter(({ api }) => 'ms' in api);
	const sight = await lookAtCluster(answered.map(({ client }) => client));
	for (const member of members) {
		const hasAnswered = answered.includes(member);
		await transaction((tx) =>
			keepLook(tx, {
				node: member.node,
				lookedAt: member.lookedAt,
				seen: {
					...member,
					rootfsStorage,
					cluster: sightOf(hasAnswered ? sight : null, member.node.name),
					isFirst: member === answered[0]
				},
				sight: hasAnswered ? sight : null,
				misses
			})
		);
	}
	if (sight) await transaction((tx) => keepStorages(tx, answered, sight));
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
