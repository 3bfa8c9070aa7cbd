/** Cloudflare's: 1,200 calls in five minutes (developers.cloudflare.com/fundamentals/api/reference/limits). */
export const WINDOW_SECONDS = 300;
export const SLICE_SECONDS = 10;

/** `user`: a person or something that was asked for waits; `sync`: a look that can as well be later. */
export type Lane = 'user' | 'sync';

/** How much may be used in a window. */
export interface Allowance {
	/** Calls of all lanes together. */
	limit: number;
	/** Part of the limit from 0 to 1; when so much is used, by whom ever, `sync` waits and the rest is for `user`. */
	syncShare: number;
}

/** Calls by lane. `other`: what others used with the same token, as far as the vendor told. */
export interface Calls {
	user: number;
	sync: number;
	other: number;
}

/** Calls of ten seconds. */
export interface Slice extends Calls {
	startsAt: Date;
}

/** A moment of a chart. */
export interface BudgetPoint extends Calls {
	at: Date;
	/** Calls that could still be made then, in the window that ended there. */
	left: number;
}

const SLICE_MS = SLICE_SECONDS * 1000;
const WINDOW_MS = WINDOW_SECONDS * 1000;

/** What everybody may have used, at most, when a call of this lane leaves. */
export function mostOf(lane: Lane, { limit, syncShare }: Allowance): number {
	return lane === 'user' ? limit : Math.floor(limit * syncShare);
}

/** Calls of the window that ends at a moment; a slice counts until all of it has left. */
export function usedAt(slices: Slice[], at: Date): Calls & { total: number } {
	const begins = sliceOf(at.getTime() - WINDOW_MS);
	const sums = { user: 0, sync: 0, other: 0, total: 0 };
	for (const { startsAt, user, sync, other } of slices) {
		if (startsAt.getTime() < begins || startsAt.getTime() > at.getTime()) continue;
		sums.user += user;
		sums.sync += sync;
		sums.other += other;
		sums.total += user + sync + other;
	}
	return sums;
}

/** When fewer than `most` calls are in the window, if nobody calls meanwhile; null: they are now. */
export function freeFrom(slices: Slice[], most: number, at: Date): Date | null {
	let { total } = usedAt(slices, at);
	if (total < most) return null;
	const begins = sliceOf(at.getTime() - WINDOW_MS);
	for (const { startsAt, user, sync, other } of slices) {
		if (startsAt.getTime() < begins) continue;
		total -= user + sync + other;
		if (total < most) return new Date(startsAt.getTime() + SLICE_MS + WINDOW_MS);
	}
	// Nothing may be used at all.
	return new Date(at.getTime() + WINDOW_MS);
}

/** What was left at the end of each slice of the last window, oldest first; the last point is now. */
export function burnDown(slices: Slice[], limit: number, at: Date): BudgetPoint[] {
	const current = sliceOf(at.getTime());
	return Array.from({ length: WINDOW_SECONDS / SLICE_SECONDS }, (_, index) => {
		const back = WINDOW_SECONDS / SLICE_SECONDS - 1 - index;
		const startsAt = current - back * SLICE_MS;
		const end = back === 0 ? at : new Date(startsAt + SLICE_MS - 1);
		const calls = slices.find((slice) => slice.startsAt.getTime() === startsAt);
		return {
			at: end,
			user: calls?.user ?? 0,
			sync: calls?.sync ?? 0,
			other: calls?.other ?? 0,
			left: Math.max(0, limit - usedAt(slices, end).total)
		};
	});
}

function sliceOf(milliseconds: number): number {
	return Math.floor(milliseconds / SLICE_MS) * SLICE_MS;
}
