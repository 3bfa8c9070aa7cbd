import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { log } from '#lib/core/log.server.ts';
import { VendorBusy } from '#lib/integrations/errors.ts';
import {
	type Allowance,
	type Calls,
	freeFrom,
	type Lane,
	mostOf,
	type Slice,
	SLICE_SECONDS,
	usedAt,
	WINDOW_SECONDS
} from './budget.ts';

/** A header that says more than this is a mistake: after it one call asks again. */
const LONGEST_PAUSE_SECONDS = 3_600;
/** Long enough for a chart in which every point is a whole window. */
const KEPT_SECONDS = 3_600;
/** So often a process says at most that it made calls. */
const TELL_EVERY_MS = 3_000;

export interface Taken {
	/** Calls that are left in this window after this one, for the lane `user`. */
	left: number;
}

interface Answer {
	granted: boolean;
	used: number;
	wait_ms: number | null;
	paused: boolean;
}

/**
 * Counts one call to a vendor for all processes, before it leaves. The window slides in slices of ten seconds by the
 * clock of the database, so that no 300 seconds in a row hold more than the limit.
 * @throws {VendorBusy} with when to ask again, when the lane has none left or the vendor asked everybody to wait
 */
export async function takeCall(vendor: string, lane: Lane, allowance: Allowance): Promise<Taken> {
	const { limit } = allowance;
	const [answer] = await db.$queryRaw<Answer[]>`
		SELECT granted, used, wait_ms, paused
		FROM take_provider_call(${vendor}, ${lane}, ${mostOf(lane, allowance)}::int, ${WINDOW_SECONDS}::int)`;
	const { granted, used, wait_ms, paused } = answer!;
	if (!granted) throw new VendorBusy({ vendor, retryAfterMs: wait_ms ?? 0, isPaused: paused });
	tellSoon(vendor);
	return { left: limit - used };
}

/**
 * The vendor says that fewer calls are left than we counted, because others use it too: what is missing is counted as
 * theirs until the vendor's window ends.
 * @returns how many were missing
 */
export async function noteLeft(
	vendor: string,
	there: { left: number; resetSeconds: number },
	{ limit }: Allowance
): Promise<number> {
	const [row] = await db.$queryRaw<{ missing: number }[]>`
		SELECT tighten_provider(${vendor}, ${limit}::int, ${there.left}::int, ${there.resetSeconds}::int,
			${WINDOW_SECONDS}::int) AS missing`;
	return row!.missing;
}

/**
 * Nobody calls a vendor for so long; the longest of several pauses counts. It ends by itself.
 * @param milliseconds what the vendor asked for; a whole window when it did not say
 * @param reason in the vendor's words or ours, for staff
 * @returns false when a longer pause holds already
 */
export async function pauseVendor(
	vendor: string,
	milliseconds: number | null,
	reason: string
): Promise<boolean> {
	const seconds = Math.min((milliseconds ?? WINDOW_SECONDS * 1000) / 1000, LONGEST_PAUSE_SECONDS);
	return transaction(async (tx) => {
		const changed = await tx.$executeRaw`
			INSERT INTO provider_pauses AS p (vendor, until, reason)
			VALUES (${vendor}, clock_timestamp() + make_interval(secs => ${seconds}::float8), ${reason})
			ON CONFLICT (vendor) DO UPDATE SET until = excluded.until, reason = excluded.reason
			WHERE excluded.until > p.until`;
		await publish(tx, 'staff:providers', vendor);
		return changed > 0;
	});
}

export interface Budget extends Allowance {
	vendor: string;
	/** The database's clock when this was read. */
	at: Date;
	/** In the window that ends now. */
	used: Calls & { total: number };
	/** Slices with calls, oldest first, of two windows: enough for what was left at any moment of the last one. */
	slices: Slice[];
	/** While it lasts. */
	pause: { until: Date; reason: string } | null;
	/** When a lane may call again; null: now. */
	freeAt: Record<Lane, Date | null>;
}

/** How much of a vendor's budget is used. */
export async function budgetOf(vendor: string, allowance: Allowance): Promise<Budget> {
	const rows = await db.$queryRaw<{ slice: Date; lane: string; calls: number }[]>`
		SELECT slice, lane, calls FROM provider_uses
		WHERE vendor = ${vendor}
			AND slice >= clock_timestamp() - make_interval(secs => ${2 * WINDOW_SECONDS + SLICE_SECONDS}::float8)
		ORDER BY slice`;
	const [now] = await db.$queryRaw<{ at: Date; until: Date | null; reason: string | null }[]>`
		SELECT clock_timestamp()::timestamptz(3) AS at, p.until, p.reason
		FROM (SELECT) AS one LEFT JOIN provider_pauses p ON p.vendor = ${vendor} AND p.until > clock_timestamp()`;
	const { at, until, reason } = now!;
	const slices = bySlice(rows);
	const pause = until ? { until, reason: reason ?? '' } : null;
	const free = (lane: Lane) => latest(until, freeFrom(slices, mostOf(lane, allowance), at));
	return {
		vendor,
		at,
		...allowance,
		used: usedAt(slices, at),
		slices,
		pause,
		freeAt: { user: free('user'), sync: free('sync') }
	};
}

function bySlice(rows: { slice: Date; lane: string; calls: number }[]): Slice[] {
	const found = new Map<number, Slice>();
	for (const { slice, lane, calls } of rows) {
		const one = found.get(slice.getTime()) ?? { startsAt: slice, user: 0, sync: 0, other: 0 };
		found.set(slice.getTime(), one);
		if (lane === 'user' || lane === 'sync' || lane === 'other') one[lane] = calls;
	}
	return [...found.values()];
}

function latest(a: Date | null, b: Date | null): Date | null {
	return a && b ? (a > b ? a : b) : (a ?? b);
}

/** Forgets what no chart shows any more. @returns how many rows */
export function purgeCalls(): Promise<number> {
	return db.$executeRaw`
		DELETE FROM provider_uses WHERE slice < clock_timestamp() - make_interval(secs => ${KEPT_SECONDS}::float8)`;
}

const telling = new Map<string, NodeJS.Timeout>();

/** Tells who looks that calls were made, once for all of a few seconds. */
function tellSoon(vendor: string): void {
	if (telling.has(vendor)) return;
	const timer = setTimeout(() => {
		telling.delete(vendor);
		publish(db, 'staff:providers', vendor).catch((error: unknown) => {
			// The next call tells it again.
			log.debug({ err: error, vendor }, 'the use of a provider could not be told');
		});
	}, TELL_EVERY_MS);
	// A process that ends waits for nothing here.
	timer.unref();
	telling.set(vendor, timer);
}
