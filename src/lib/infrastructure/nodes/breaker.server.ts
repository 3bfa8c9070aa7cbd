import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { log } from '#lib/core/log.server.ts';
import type { CallGuard } from '#lib/integrations/callGuard.ts';
import { breakerPatience } from './breakerPatience.ts';
import { nodeReturned } from './waiters.server.ts';

/** The two connections to a node. A halted API halts SSH, too, since the node is down or the way to it is; not the reverse. */
export type Way = 'api' | 'ssh';

interface Halt {
	haltedAt: Date | null;
	haltedBy: string | null;
}

/**
 * The circuit breaker of one node for one caller. It is the node's row, and so that of all processes: the first
 * connection that fails halts the node, nothing is sent to it from then on, and after a pause one caller at a time is
 * let through to probe it. A probe that is answered opens the way for all and wakes who waits. A way that is open costs
 * no query.
 * @param known the row as the caller has just read it; null: it is read when it matters, before a connection is made
 * @param always probes whatever the row says: for the look of every minute
 */
export function breakerOf(
	nodeId: string,
	way: Way,
	known: Halt | null,
	{ always = false } = {}
): CallGuard {
	// Null: open, as far as this caller knows.
	let halted = known && stops(way, known) ? known.haltedAt : null;
	return {
		refusal: async () => {
			if (always || (known && !halted)) return null;
			const { haltedAt, reason, isOurs } = await takeProbe(nodeId, way);
			halted = haltedAt;
			if (!haltedAt || isOurs) return null;
			return `The node is not asked since ${haltedAt.toISOString()}: ${reason ?? ''}`;
		},
		answered: async () => {
			if (!halted) return;
			// What was halted anew meanwhile stays so.
			const since = halted;
			halted = null;
			await transaction((tx) => reopen(tx, nodeId, way, since));
		},
		unconnected: async (reason) => {
			halted = await transaction((tx) => halt(tx, nodeId, way, reason));
		}
	};
}

function stops(way: Way, { haltedAt, haltedBy }: Halt): boolean {
	return haltedAt !== null && (way === 'ssh' || haltedBy === 'api');
}

/** Who gets the one probe that may be on its way; `haltedAt` is null when nothing stops this way any more. */
async function takeProbe(
	nodeId: string,
	way: Way
): Promise<{ haltedAt: Date | null; reason: string | null; isOurs: boolean }> {
	const [row] = await db.$queryRaw<(Halt & { reason: string | null; isOurs: boolean })[]>`
		WITH probe AS (
			UPDATE proxmox_nodes
			SET probed_until = clock_timestamp() + ${breakerPatience.probeMs} * interval '1 ms'
			WHERE id = ${nodeId}::uuid AND halted_at IS NOT NULL AND halted_by = ${way}
				AND (probed_until IS NULL OR probed_until <= clock_timestamp())
			RETURNING id)
		SELECT halted_at AS "haltedAt", halted_by AS "haltedBy", halted_reason AS reason,
			EXISTS (SELECT 1 FROM probe) AS "isOurs"
		FROM proxmox_nodes WHERE id = ${nodeId}::uuid`;
	if (!row || !stops(way, row)) return { haltedAt: null, reason: null, isOurs: false };
	return row;
}

/** Nothing is sent to the node from now on. The reason of a halted API is not covered up by that of SSH. */
async function halt(tx: Tx, nodeId: string, way: Way, reason: string): Promise<Date | null> {
	const [row] = await tx.$queryRaw<{ name: string; isNew: boolean; haltedAt: Date }[]>`
		WITH before AS (
			SELECT id, name, halted_at IS NULL OR halted_by <> ${way} AS is_new FROM proxmox_nodes
			WHERE id = ${nodeId}::uuid AND (halted_at IS NULL OR halted_by = ${way} OR ${way} = 'api')
			FOR UPDATE)
		UPDATE proxmox_nodes node
		SET halted_at = coalesce(node.halted_at, ${now()}), halted_by = ${way}, halted_reason = ${reason.slice(0, 500)},
			probed_until = clock_timestamp() + ${breakerPatience.pauseMs} * interval '1 ms'
		FROM before WHERE node.id = before.id
		RETURNING before.name, before.is_new AS "isNew", node.halted_at AS "haltedAt"`;
	if (row?.isNew) {
		log.warn({ node: row.name, way, reason }, 'a node is not asked any more');
		await publish(tx, 'staff:nodes', nodeId);
	}
	return row?.haltedAt ?? null;
}

/** The node answers: everybody may ask it again, and who waits for it is woken. */
async function reopen(tx: Tx, nodeId: string, way: Way, haltedAt: Date): Promise<void> {
	const { count } = await tx.node.updateMany({
		where: { id: nodeId, haltedBy: way, haltedAt },
		data: { haltedAt: null, haltedBy: null, haltedReason: null, probedUntil: null }
	});
	if (count === 0) return;
	await publish(tx, 'staff:nodes', nodeId);
	await nodeReturned(tx);
}
