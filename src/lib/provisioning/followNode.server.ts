import { z } from 'zod';
import { SECOND } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { followTunnels } from './moves/containers/containerMoveEdge.server.ts';

interface Payload {
	containerId: string;
	/** Milliseconds since the epoch when its node was first known to be another. */
	since: number;
}

/**
 * Where each node has a tunnel of its own, the instances of a container that failed over go by the tunnel of the node that
 * they are on now: that of the dead one answers no more. A move does this itself.
 */
async function followNode({ containerId, since }: Payload, signal: AbortSignal): Promise<void> {
	const { moveToNodeId, tenants } = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: {
			moveToNodeId: true,
			tenants: { where: { published: true }, select: { id: true } }
		}
	});
	if (moveToNodeId !== null || tenants.length === 0) return;
	const run = {
		// No run of an instance: its calls are filed under the container.
		trace: { subjectId: containerId },
		signal,
		write: transaction,
		log: async (level: 'debug' | 'info' | 'warning' | 'error', message: string, data?: object) =>
			log[level === 'warning' ? 'warn' : level]({ containerId, ...data }, message)
	};
	const ids = tenants.map(({ id }) => id);
	const result = await followTunnels(run, ids, since);
	if (!result || !('wait' in result)) return;
	const startAfter = new Date(Date.now() + result.wait * SECOND);
	await transaction((tx) =>
		enqueue(
			tx,
			'provisioning.follow-node',
			{ containerId, since },
			{ key: containerId, startAfter }
		)
	);
}

defineJob({
	name: 'provisioning.follow-node',
	payload: z.object({ containerId: z.uuid(), since: z.number() }),
	run: (payload, { signal }) => followNode(payload, signal),
	concurrency: 4,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 30, retryDelayMax: 60 }
});
