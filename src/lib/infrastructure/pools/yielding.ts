import { judge, type Candidate, type Wanted } from '../placement/placement.ts';
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
	const containers = fewest(here, (gone) => place(without(world, gone), wanted) !== null);
	const node = containers && place(without(world, containers), wanted);
	return node && { node, containers };
}

/** The fewest of these, the first ones first, that have to go for something to fit; null: all of them are not enough. */
export function fewest(held: Held[], fits: (gone: Held[]) => boolean): Held[] | null {
	const gone: Held[] = [];
	for (const one of held) {
		gone.push(one);
		if (!fits(gone)) continue;
		const needed = gone.filter((extra) => !fits(gone.filter((kept) => kept !== extra)));
		return fits(needed) ? needed : gone;
	}
	return null;
}

function place(world: Candidate[], wanted: Wanted): Yielding['node'] | null {
	const [best] = judge(world, wanted);
	return best?.fits ? { nodeId: best.candidate.nodeId, name: best.candidate.name } : null;
}
