import type { Tx } from '#lib/core/db.server.ts';
import { judge, type Candidate, type Wanted } from '../placement/placement.ts';
import { giveUpWarm } from './giveUp.server.ts';
import { without, type Holding } from './without.ts';

/** Containers made ahead whose room is enough for one that finds none. */
export interface Yielding {
	node: { nodeId: string; name: string };
	/** Those that go; empty when enough of them are being taken down already. */
	containers: { containerId: string; vmid: number }[];
}

/** A container that was made ahead, with what it holds. */
export interface Held extends Holding {
	containerId: string;
	vmid: number;
	retiring: boolean;
}

/** Everything that was made ahead or is being made, the largest first. */
export async function heldAhead(tx: Tx): Promise<Held[]> {
	const rows = await tx.container.findMany({
		where: { warmPlanId: { not: null }, status: { not: 'deleted' } },
		orderBy: [{ ramMb: 'desc' }, { createdAt: 'desc' }]
	});
	return rows.map(({ id, ...row }) => ({ ...row, containerId: id }));
}

/**
 * The fewest containers made ahead that have to go so that what is wanted finds room; null when none of them help.
 * Takes nothing. Who waits for room goes before who may come.
 */
export function yielding(held: Held[], all: Candidate[], wanted: Wanted): Yielding | null {
	const going = held.filter(({ retiring }) => retiring);
	const soon = without(all, going);
	const found = place(soon, wanted);
	if (found) return { node: found, containers: [] };
	const ways = all
		.map(({ nodeId }) => {
			const here = held.filter((one) => one.nodeId === nodeId && !one.retiring);
			return wayOn(soon, here, wanted);
		})
		.filter((way) => way !== null);
	return ways.toSorted((a, b) => a.containers.length - b.containers.length)[0] ?? null;
}

/** One after the other until it fits somewhere, less those that turn out not to be needed. */
function wayOn(world: Candidate[], here: Held[], wanted: Wanted): Yielding | null {
	const gone: Held[] = [];
	for (const one of here) {
		gone.push(one);
		if (!place(without(world, gone), wanted)) continue;
		const needed = gone.filter(
			(extra) =>
				!place(
					without(
						world,
						gone.filter((kept) => kept !== extra)
					),
					wanted
				)
		);
		const chosen = place(without(world, needed), wanted) ? needed : gone;
		const node = place(without(world, chosen), wanted);
		return node && { node, containers: chosen };
	}
	return null;
}

function place(world: Candidate[], wanted: Wanted): Yielding['node'] | null {
	const [best] = judge(world, wanted);
	return best?.fits ? { nodeId: best.candidate.nodeId, name: best.candidate.name } : null;
}

/** Lets them go, as part of `tx`: who waits for room is woken once nothing is left of them. */
export async function yieldRoom(tx: Tx, { containers }: Yielding): Promise<void> {
	for (const { containerId } of containers) await giveUpWarm(tx, containerId, 'room');
}
