import type { Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.warm-pools': Record<string, never>;
		'infrastructure.destroy-warm': { containerId: string };
	}
}

/** Says, as part of `tx`, that pools may be above or below their targets now; of many who say so at once one look follows. */
export async function poolsChanged(tx: Tx): Promise<void> {
	await enqueue(tx, 'infrastructure.warm-pools', {}, { key: 'pools' });
}
