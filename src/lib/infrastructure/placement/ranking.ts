import { RESOURCES, type Candidate } from './placement.ts';

/** 0–1 of what may be promised that is promised, of the scarcest resource. */
export function committedFraction({ committed, limit }: Pick<Candidate, 'committed' | 'limit'>) {
	return Math.max(
		...RESOURCES.map((code) => (limit[code] > 0 ? committed[code] / limit[code] : 1))
	);
}

/** The order in which nodes are taken: least committed, then least used, then priority. */
export function byRank(a: Candidate, b: Candidate): number {
	return (
		committedFraction(a) - committedFraction(b) ||
		// What was not measured may be anything, so it comes after what was.
		(a.usedFraction ?? 1) - (b.usedFraction ?? 1) ||
		b.priority - a.priority ||
		a.name.localeCompare(b.name)
	);
}
