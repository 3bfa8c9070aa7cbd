import { log } from '#lib/core/log.server.ts';
import { isDown } from './clients.server.ts';

/** Clusters that are asked at the same time. */
const AT_A_TIME = 10;

/**
 * Does something for each cluster, some at a time. What goes wrong with one is said in the log and keeps nobody from the
 * others; that one does not answer now is no fault at all, since the next round asks again.
 * @throws the first failure, once everybody has had a turn
 */
export async function eachAlone<T extends { id: string }>(
	clusters: readonly T[],
	work: (cluster: T) => Promise<void>
): Promise<void> {
	const failures: unknown[] = [];
	const left = [...clusters];
	const turn = async () => {
		for (let cluster = left.shift(); cluster; cluster = left.shift()) {
			try {
				await work(cluster);
			} catch (error) {
				if (isDown(error)) continue;
				log.error({ err: error, cluster: cluster.id }, 'a round failed in one cluster');
				failures.push(error);
			}
		}
	};
	await Promise.all(Array.from({ length: Math.min(AT_A_TIME, clusters.length) }, turn));
	if (failures.length > 0) throw failures[0];
}
