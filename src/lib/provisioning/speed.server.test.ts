import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { forget } from '#lib/core/cache.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { asCustomer, db } from '#lib/core/db.server.ts';
import { setupSpeed } from './speed.server.ts';

await testDatabase();

/** A set-up that ended `hours` ago and took a minute of placing and so many seconds of copying. */
async function setUp(hours: number, copying: number, status: 'succeeded' | 'failed' = 'succeeded') {
	const { id: customerId } = await aCustomer();
	const finishedAt = new Date(now().getTime() - hours * 3_600_000);
	const middle = new Date(finishedAt.getTime() - copying * 1_000);
	const createdAt = new Date(middle.getTime() - 60_000);
	await db.provisioningJob.create({
		data: {
			saga: 'tenants.create',
			subjectId: randomUUID(),
			customerId,
			status,
			createdAt,
			finishedAt,
			steps: {
				create: [
					{ position: 0, name: 'place', status: 'done', startedAt: createdAt, finishedAt: middle },
					{ position: 1, name: 'container', status: 'done', startedAt: middle, finishedAt }
				]
			}
		}
	});
	return customerId;
}

test('is the median of the last month, the same for a customer, and may be a minute old', async () => {
	expect(await setupSpeed(db)).toBeNull();
	await setUp(1, 10);
	expect(await setupSpeed(db)).toMatchObject({ count: 1, seconds: 70 });
	const customerId = await setUp(2, 20);
	await setUp(3, 90);
	await setUp(31 * 24, 500);
	await setUp(4, 700, 'failed');
	expect(await setupSpeed(db)).toMatchObject({ count: 1 });
	await forget('provisioning.setup-speed');
	const asked = await asCustomer({ customerId, userId: randomUUID() }, (tx) => setupSpeed(tx));
	expect(asked).toEqual({
		count: 3,
		seconds: 80,
		steps: [
			{ name: 'place', seconds: 60 },
			{ name: 'container', seconds: 20 }
		]
	});
});
