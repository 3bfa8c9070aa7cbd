import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { forget } from '#lib/core/cache.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { slowestSetups } from './slowest.server.ts';

await testDatabase();

/** A set-up that took so many seconds and ended so many days ago. */
async function setUp(seconds: number, days = 1, status: 'succeeded' | 'failed' = 'succeeded') {
	const finishedAt = new Date(now().getTime() - days * 86_400_000);
	const createdAt = new Date(finishedAt.getTime() - seconds * 1_000);
	await db.provisioningJob.create({
		data: { saga: 'tenants.create', subjectId: randomUUID(), status, createdAt, finishedAt }
	});
}

test('nineteen of twenty of the last month took no longer', async () => {
	expect(await slowestSetups(db)).toEqual({ count: 0, seconds: null });
	for (let seconds = 1; seconds <= 21; seconds++) await setUp(seconds);
	await setUp(900, 31);
	await setUp(900, 1, 'failed');
	await forget('provisioning.slowest-setups');
	expect(await slowestSetups(db)).toEqual({ count: 21, seconds: 20 });
});
