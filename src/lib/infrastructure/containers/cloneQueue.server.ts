import { lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';

export interface Turn {
	containerId: string;
	clusterId: string;
	templateVmid: number;
	/** Saga run that drives the container now. */
	jobId: string;
}

/** Waiters this near to their turn stay awake; the others may sleep until they are woken. */
export const NEAR = 3;

/** What is said when a turn ends: who waits asks for it at once. */
export function turnTopic({ clusterId, templateVmid }: Pick<Turn, 'clusterId' | 'templateVmid'>) {
	return `clone:${clusterId}:${templateVmid}`;
}

/**
 * Asks to copy a template, which Proxmox locks meanwhile. First come, first served, over any number of workers; a
 * worker that died loses its turn after 30 seconds, and one that sleeps is passed over without losing its place.
 * @returns 0: the turn is yours until `endTurn`; otherwise how many are ahead
 */
export function takeTurn(turn: Turn): Promise<number> {
	const { containerId, clusterId, templateVmid, jobId } = turn;
	return transaction(async (tx) => {
		await lock(tx, turnTopic(turn));
		await tx.$executeRaw`
			INSERT INTO clone_turns (container_id, cluster_id, template_vmid, job_id)
			VALUES (${containerId}::uuid, ${clusterId}::uuid, ${templateVmid}, ${jobId}::uuid)
			ON CONFLICT (container_id) DO UPDATE
			SET seen_at = clock_timestamp(), job_id = EXCLUDED.job_id, template_vmid = EXCLUDED.template_vmid`;
		const queue = await readQueue(tx, clusterId, templateVmid);
		const mine = queue.findIndex((row) => row.containerId === containerId);
		const holder = queue.find((row) => row.started && row.seenAgo < 30);
		if (holder) return holder.containerId === containerId ? 0 : Math.max(1, mine);
		const first = queue.findIndex((row) => row.seenAgo < 5);
		if (first !== mine) return Math.max(1, mine);
		// A holder that was not seen for so long is dead; should it come back, it finds its turn gone.
		await tx.cloneTurn.updateMany({
			where: { clusterId, templateVmid },
			data: { startedAt: null }
		});
		await tx.$executeRaw`
			UPDATE clone_turns SET started_at = clock_timestamp() WHERE container_id = ${containerId}::uuid`;
		return 0;
	});
}

/** Says that the copy goes on. */
export async function keepTurn(tx: Tx, containerId: string): Promise<void> {
	await tx.$executeRaw`
		UPDATE clone_turns SET seen_at = clock_timestamp() WHERE container_id = ${containerId}::uuid`;
}

/** Leaves the queue, as part of `tx`, and wakes those whose turn comes near. Does nothing without a place in it. */
export async function endTurn(tx: Tx, containerId: string): Promise<void> {
	const turn = await tx.cloneTurn.findUnique({ where: { containerId } });
	if (!turn) return;
	await lock(tx, turnTopic(turn));
	await tx.cloneTurn.deleteMany({ where: { containerId } });
	await publish(tx, turnTopic(turn));
	const queue = await readQueue(tx, turn.clusterId, turn.templateVmid);
	for (const [ahead, { jobId, seenAgo }] of queue.slice(0, NEAR + 1).entries()) {
		// Who has just come near sleeps, or is about to however lately it was seen; the others only if they have slept since.
		if (ahead === NEAR || seenAgo > 2) await wakeSaga(tx, jobId, true);
	}
}

interface Waiter {
	containerId: string;
	jobId: string;
	started: boolean;
	/** Seconds since its worker gave a sign of life. */
	seenAgo: number;
}

/** Who waits or copies, in order. A run that has ended waits for nothing, whatever it left behind. */
function readQueue(tx: Tx, clusterId: string, templateVmid: number): Promise<Waiter[]> {
	return tx.$queryRaw<Waiter[]>`
		SELECT container_id AS "containerId", job_id AS "jobId", started_at IS NOT NULL AS started,
			extract(epoch FROM clock_timestamp() - seen_at)::float8 AS "seenAgo"
		FROM clone_turns
		WHERE cluster_id = ${clusterId}::uuid AND template_vmid = ${templateVmid}
			AND NOT EXISTS (
				SELECT 1 FROM provisioning_jobs run
				WHERE run.id = job_id AND run.status IN ('succeeded', 'failed', 'compensated')
			)
		-- What is made ahead waits until nobody else does.
		ORDER BY (SELECT warm_plan_id IS NOT NULL FROM lxc_containers WHERE id = container_id), queued_at, container_id`;
}
