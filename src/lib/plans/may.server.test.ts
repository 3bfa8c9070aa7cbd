import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { aSubscription } from '../../../tests/factories/billing.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { createMember } from '../../../tests/factories/identity.ts';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import { asCustomer, db, transaction } from '#lib/core/db.server.ts';
import type { LimitAct } from '#prisma/generated/client.ts';
import { expectMay, may } from './may.server.ts';

await testDatabase();

async function company(
	limits: { amount: number; act: LimitAct; graceDays: number } | null,
	quantity = 1
) {
	const member = await createMember();
	const plan = await aPlan();
	if (limits)
		await db.planLimit.create({ data: { planId: plan.id, resource: 'members', ...limits } });
	await aSubscription({ customerId: member.customerId, planId: plan.id, quantity });
	return member;
}
const invite = (customerId: string, email: string) =>
	transaction(async (tx) => {
		await expectMay(tx, { customerId }, 'members');
		const { roleId } = await tx.membership.findFirstOrThrow({ where: { customerId } });
		await tx.invitation.create({
			data: {
				...{ id: randomUUID(), customerId, email, roleId, byLabel: 'tests' },
				...{ secretHash: randomBytes(32), expiresAt: after(now(), DAY) }
			}
		});
	});

it('refuses the one too many of two who add the last one in the same moment', async () => {
	const { customerId, id: userId } = await company({ amount: 2, act: 'refuse', graceDays: 0 });
	expect(await may(db, { customerId }, 'members')).toMatchObject({
		...{ allowed: true, used: 1, limit: 2, level: 'ok' }
	});
	const both = await Promise.allSettled(
		['a@x.y', 'b@x.y'].map((email) => invite(customerId, email))
	);
	expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
	expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
		reason: { code: 'LIMIT_REACHED', sentence: expect.stringContaining('2') }
	});
	// The customer's own connection answers the same.
	expect(
		await asCustomer({ customerId, userId }, (tx) => may(tx, { customerId }, 'members'))
	).toMatchObject({ allowed: false, used: 2, level: 'full', reason: 'LIMIT_REACHED' });
	// An invitation that is over takes no place.
	await db.invitation.updateMany({
		where: { customerId },
		data: { expiresAt: after(now(), -DAY) }
	});
	expect(await may(db, { customerId }, 'members')).toMatchObject({ allowed: true, used: 1 });
});

it('takes more within the days of grace, and none after them', async () => {
	const { customerId } = await company({ amount: 1, act: 'refuse', graceDays: 5 });
	await invite(customerId, 'c@x.y');
	const state = {
		...{ customerId, subjectId: customerId, resource: 'members', used: 2, amount: 1 },
		...{ measuredAt: now(), overSince: now(), actsAt: after(now(), DAY) }
	};
	const { id } = await db.limitState.create({ data: state });
	expect(await may(db, { customerId }, 'members')).toMatchObject({ allowed: true, level: 'over' });
	await db.limitState.update({ where: { id }, data: { actsAt: after(now(), -1) } });
	expect((await may(db, { customerId }, 'members')).allowed).toBe(false);
});

it('limits nothing where the plan says nothing, only tells, or all is not known', async () => {
	const none = await company(null);
	expect(await may(db, none, 'members', 50)).toMatchObject({ allowed: true, level: 'unlimited' });
	const told = await company({ amount: 1, act: 'tell', graceDays: 0 });
	expect(await may(db, told, 'members', 50)).toMatchObject({ allowed: true, level: 'full' });
	const ended = await company({ amount: 1, act: 'refuse', graceDays: 0 });
	await db.subscription.updateMany({
		where: { customerId: ended.customerId },
		data: { status: 'cancelled' }
	});
	expect(await may(db, ended, 'members')).toMatchObject({ allowed: true, limit: null });
	await expect(may(db, { customerId: ended.customerId }, 'backups')).rejects.toThrow('say which');
});
