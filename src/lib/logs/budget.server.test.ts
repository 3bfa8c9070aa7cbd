import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import { refusalIn } from '#lib/core/errors.ts';
import { VendorBusy } from '#lib/integrations/errors.ts';
import type { Lane } from './budget.ts';
import { budgetOf, noteLeft, pauseVendor, purgeCalls, takeCall } from './budget.server.ts';

await testDatabase();
const run = promisify(execFile);

const TEN = { limit: 10, syncShare: 0.6 };

beforeEach(async () => {
	await db.providerUse.deleteMany();
	await db.providerPause.deleteMany();
});

/** How many of so many tries are granted. */
async function granted(lane: Lane, tries: number, vendor = 'acme'): Promise<number> {
	let count = 0;
	for (let n = 0; n < tries; n += 1) if (!(await refused(lane, vendor))) count += 1;
	return count;
}

async function refused(lane: Lane, vendor = 'acme'): Promise<VendorBusy | null> {
	try {
		await takeCall(vendor, lane, TEN);
		return null;
	} catch (error) {
		if (!(error instanceof VendorBusy)) throw error;
		return error;
	}
}

/** Calls that were made so many seconds ago. */
const earlier = (seconds: number, calls: number, lane = 'user') =>
	db.$executeRaw`INSERT INTO provider_uses (vendor, slice, lane, calls)
		VALUES ('acme', date_bin('10 s', clock_timestamp() - make_interval(secs => ${seconds}::float8), 'epoch'), ${lane}, ${calls})`;

describe('a budget', () => {
	it('grants what the limit allows, says what is left, and then when to ask again', async () => {
		expect(await takeCall('acme', 'user', TEN)).toEqual({ left: 9 });
		expect(await granted('user', 12)).toBe(9);
		const busy = await refused('user');
		expect(busy).toMatchObject({ vendor: 'acme', retryable: true, ambiguous: false });
		expect(busy!.isAway).toBe(false);
		// The slice of ten seconds that is full now leaves with its end five minutes from now.
		expect(busy!.retryAfterMs).toBeGreaterThan(290_000);
		expect(busy!.retryAfterMs).toBeLessThanOrEqual(310_000);
		expect(refusalIn(busy)).toMatchObject({ code: 'VENDOR_BUSY', status: 503 });
		expect(refusalIn(busy)!.sentence).toMatch(/^Acme .*\d min/);
	});

	it('counts each vendor on its own', async () => {
		expect(await granted('user', 11)).toBe(10);
		expect(await granted('user', 11, 'other')).toBe(10);
	});

	it('forgets what is older than the window, slice by slice', async () => {
		await earlier(330, 10);
		await earlier(200, 4);
		await earlier(100, 3);
		expect(await granted('user', 5)).toBe(3);
		// The oldest four have to leave; their slice began between 200 and 210 seconds ago.
		const { retryAfterMs } = (await refused('user'))!;
		expect(retryAfterMs).toBeGreaterThan(95_000);
		expect(retryAfterMs).toBeLessThanOrEqual(110_000);
	});

	it('keeps a part for people: background work stops first, and yields to them', async () => {
		expect(await granted('sync', 10)).toBe(6);
		expect(await granted('user', 10)).toBe(4);
		await db.providerUse.deleteMany();
		expect(await granted('user', 6)).toBe(6);
		expect(await granted('sync', 1)).toBe(0);
		expect(await granted('user', 1)).toBe(1);
		expect((await budgetOf('acme', TEN)).used).toEqual({ user: 7, sync: 0, other: 0, total: 7 });
	});

	it('holds for connections that take at the same moment', async () => {
		const all = await Promise.allSettled(
			Array.from({ length: 60 }, () => takeCall('acme', 'user', { limit: 37, syncShare: 1 }))
		);
		expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(37);
		expect((await budgetOf('acme', TEN)).used.total).toBe(37);
	});

	it('holds for processes that take at the same moment', async () => {
		const script = fileURLToPath(new URL('../../../tests/setup/takeCalls.ts', import.meta.url));
		const counts = await Promise.all(
			[1, 2, 3].map(async () =>
				Number((await run(process.execPath, [script, '100', '60'], { env: process.env })).stdout)
			)
		);
		expect(counts.reduce((sum, one) => sum + one, 0)).toBe(100);
		expect((await budgetOf('several', TEN)).used.total).toBe(100);
	});
});

describe('a pause', () => {
	it('stops both lanes, for as long as was asked, and ends by itself', async () => {
		await pauseVendor('acme', 40_000, 'HTTP 429');
		for (const lane of ['user', 'sync'] as const) {
			const busy = await refused(lane);
			expect(busy!.isPaused).toBe(true);
			expect(busy!.retryAfterMs).toBeGreaterThan(20_000);
			expect(busy!.retryAfterMs).toBeLessThanOrEqual(40_000);
		}
		const { pause, freeAt, at } = await budgetOf('acme', TEN);
		expect(pause!.reason).toBe('HTTP 429');
		expect(pause!.until.getTime()).toBeGreaterThan(at.getTime());
		expect(freeAt.user).toEqual(pause!.until);
		await db.$executeRaw`UPDATE provider_pauses SET until = clock_timestamp()`;
		expect(await refused('user')).toBeNull();
		expect((await budgetOf('acme', TEN)).pause).toBeNull();
	});

	it('lasts a window when the vendor does not say, never a day, and the longest one counts', async () => {
		const lasts = async () => (await refused('user'))!.retryAfterMs;
		await pauseVendor('acme', null, 'first');
		expect(await lasts()).toBeGreaterThan(280_000);
		await pauseVendor('acme', 1_000, 'shorter');
		expect(await lasts()).toBeGreaterThan(280_000);
		expect((await budgetOf('acme', TEN)).pause!.reason).toBe('first');
		await pauseVendor('acme', 86_400_000, 'a day');
		expect(await lasts()).toBeLessThanOrEqual(3_600_000);
	});
});

describe('what others use', () => {
	it('is what the vendor counts beyond ours, until its own window ends', async () => {
		await granted('user', 2);
		expect(await noteLeft('acme', { left: 8, resetSeconds: 100 }, TEN)).toBe(0);
		expect(await noteLeft('acme', { left: 5, resetSeconds: 100 }, TEN)).toBe(3);
		// The same again is not counted twice.
		expect(await noteLeft('acme', { left: 5, resetSeconds: 99 }, TEN)).toBe(0);
		const { used, slices, at, freeAt } = await budgetOf('acme', TEN);
		expect(used).toEqual({ user: 2, sync: 0, other: 3, total: 5 });
		const theirs = slices.find(({ other }) => other > 0)!;
		// It began 200 seconds ago and so leaves with the vendor's own window, 100 seconds from now.
		const age = at.getTime() - theirs.startsAt.getTime();
		expect(age).toBeGreaterThan(195_000);
		expect(age).toBeLessThanOrEqual(220_000);
		expect(freeAt).toEqual({ user: null, sync: null });
		expect(await granted('user', 10)).toBe(5);
	});

	it('is never less than nothing: a vendor that counts less is not believed', async () => {
		await granted('user', 4);
		expect(await noteLeft('acme', { left: 10, resetSeconds: 300 }, TEN)).toBe(0);
		expect(await granted('user', 10)).toBe(6);
	});
});

it('old slices are purged, those of the window stay', async () => {
	await earlier(7_200, 3);
	await earlier(60, 2);
	expect(await purgeCalls()).toBe(1);
	expect((await budgetOf('acme', TEN)).used.total).toBe(2);
});
