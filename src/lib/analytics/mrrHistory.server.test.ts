import { expect, it } from 'vitest';
import { recordMovement } from '#lib/billing/movements.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { aSubscription } from '../../../tests/factories/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { mrrHistory } from './mrrHistory.server.ts';

await testDatabase();

it('puts each movement into its month of the platform, and each month ends where the next begins', async () => {
	const first = await aSubscription({ mrr: 0 });
	const second = await aSubscription({ mrr: 0, customerId: first.customerId });
	const moves = [
		// Still January in Guayaquil, five hours behind.
		[first, 4_900, '2026-02-01T04:59:00Z'],
		[second, 2_900, '2026-02-01T05:00:00Z'],
		[first, 2_900, '2026-03-10T00:00:00Z'],
		[second, 0, '2026-03-20T00:00:00Z']
	] as const;
	for (const [subscription, worth, at] of moves) {
		await transaction((tx) => recordMovement(tx, subscription, worth, new Date(at)));
	}
	const at = new Date('2026-03-25T12:00:00Z');
	const months = await mrrHistory(db, at, 'America/Guayaquil', 'usd', 4);
	expect(
		months.map(({ month, end, ...moved }) => [month, moved.new, moved.expansion, end])
	).toEqual([
		['2025-12', 0, 0, 0],
		['2026-01', 4_900, 0, 4_900],
		['2026-02', 0, 2_900, 7_800],
		['2026-03', 0, 0, 2_900]
	]);
	expect(months[3]).toMatchObject({ contraction: -2_000, churn: -2_900, reactivation: 0 });
	// What was before the first month shown is in its beginning.
	const [later] = await mrrHistory(db, at, 'America/Guayaquil', 'usd', 1);
	expect(later).toMatchObject({ month: '2026-03', end: 2_900 });
});
