import type { Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.capacity-appeared': Record<string, never>;
	}
}

/** Says, as part of `tx`, that somebody who waits for room may find it now. */
export async function capacityAppeared(tx: Tx): Promise<void> {
	await enqueue(tx, 'provisioning.capacity-appeared', {});
}

/** Waits that a node that is back may end; see containers.server.ts. */
const FOR_A_NODE = ['node_offline', 'node_maintenance', 'template_offline', 'no_quorum'];

/** A node can be used again: who waits for it, or for room, looks again now. */
export async function nodeReturned(tx: Tx): Promise<void> {
	const waiting = await tx.provisioningJob.findMany({
		where: { status: 'waiting', reason: { in: FOR_A_NODE } },
		select: { id: true }
	});
	for (const { id } of waiting) await wakeSaga(tx, id);
	await capacityAppeared(tx);
}
