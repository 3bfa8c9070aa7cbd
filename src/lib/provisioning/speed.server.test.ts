import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { anInvoice, aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { forget } from '#lib/core/cache.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { asCustomer, db } from '#lib/core/db.server.ts';
import { setupSpeed } from './speed.server.ts';

await testDatabase();

/** A set-up that ended `hours` ago and took a minute of placing and so many seconds of copying. */
async function setUp(
	hours: number,
	copying: number,
	status: 'succeeded' | 'failed' = 'succeeded',
	subjectId: string = randomUUID(),
	owner: string | null = null
) {
	const customerId = owner ?? (await aCustomer()).id;
	const finishedAt = new Date(now().getTime() - hours * 3_600_000);
	const middle = new Date(finishedAt.getTime() - copying * 1_000);
	const createdAt = new Date(middle.getTime() - 60_000);
	await db.provisioningJob.create({
		data: {
			saga: 'tenants.create',
			subjectId,
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
	await forget('provisioning.setup-speed-2');
	const asked = await asCustomer({ customerId, userId: randomUUID() }, (tx) => setupSpeed(tx));
	expect(asked).toEqual({
		count: 3,
		seconds: 80,
		fromPayment: null,
		steps: [
			{ name: 'place', seconds: 60 },
			{ name: 'container', seconds: 20 }
		]
	});
});

/** One that was paid for so many seconds before its set-up began; its later invoices are no payments of it. */
async function paidSetUp(hours: number, secondsBefore: number) {
	const subscription = await aSubscription();
	const { customerId } = subscription;
	const tenant = await createUnplacedTenant(db);
	await db.tenant.update({
		where: { id: tenant.id },
		data: { customerId, subscriptionId: subscription.id }
	});
	await setUp(hours, 10, 'succeeded', tenant.id, customerId);
	const { createdAt } = await db.provisioningJob.findFirstOrThrow({
		where: { subjectId: tenant.id }
	});
	const paidAt = new Date(createdAt.getTime() - secondsBefore * 1_000);
	await anInvoice({ customerId, subscriptionId: subscription.id, paidAt });
	const later = new Date(createdAt.getTime() + 3_600_000);
	await anInvoice({ customerId, subscriptionId: subscription.id, paidAt: later });
	return customerId;
}

test('from the payment counts from Stripe’s moment of it, and only what was paid for', async () => {
	await paidSetUp(1, 5);
	await paidSetUp(2, 30);
	const customerId = await paidSetUp(3, 7_200);
	await paidSetUp(31 * 24, 9_000);
	await forget('provisioning.setup-speed-2');
	const asked = await asCustomer({ customerId, userId: randomUUID() }, (tx) => setupSpeed(tx));
	expect(asked).toMatchObject({ count: 6, fromPayment: { count: 3, seconds: 100 } });
});
