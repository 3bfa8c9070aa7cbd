import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import '#lib/notifications/jobs.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { createMember, createStaff } from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import {
	type NewApiToken,
	createApiToken,
	resolveApiToken,
	revokeApiToken
} from './apiTokens.server.ts';
import { addStaff } from './staff.server.ts';

await testDatabase();
await testQueue({ work: false });

const make = (given: Partial<NewApiToken> & { userId: string }) =>
	transaction((tx) =>
		createApiToken(tx, {
			customerId: null,
			name: 'CI',
			scopes: ['*'],
			expiresAt: null,
			by: SYSTEM,
			from: 'console',
			...given
		})
	);

describe('an API token', () => {
	it('speaks for its person, as far as scopes and role both go', async () => {
		const staff = await createStaff('support');
		const { id, token } = await make({
			userId: staff.id,
			scopes: ['tenants:read', 'tenants:delete']
		});
		const auth = await resolveApiToken(token);
		expect(auth).toMatchObject({ side: 'staff', session: null, token: { id, name: 'CI' } });
		expect([...(auth?.permissions.keys() ?? [])]).toEqual(['tenants:read']);
		expect(await db.apiToken.findUnique({ where: { id } })).toMatchObject({
			lastUsedAt: expect.any(Date)
		});
		const all = await resolveApiToken((await make({ userId: staff.id })).token);
		expect(all?.permissions.size).toBeGreaterThan(5);
	});

	it('of a customer stays inside that customer', async () => {
		const member = await createMember('manager');
		const { token } = await make({
			userId: member.id,
			customerId: member.customerId,
			scopes: ['instance:read', 'instance:secret']
		});
		const auth = await resolveApiToken(token);
		expect(auth).toMatchObject({ side: 'customer', customer: { id: member.customerId } });
		expect([...(auth?.permissions.keys() ?? [])]).toEqual(['instance:read']);
		await db.membership.deleteMany({ where: { userId: member.id } });
		expect(await resolveApiToken(token)).toBeNull();
	});

	it('is nothing when it is made up, expired, revoked, or its person is gone', async () => {
		const staff = await createStaff();
		const stranger = await createStaff();
		const expired = await make({ userId: staff.id, expiresAt: new Date(Date.now() - 1) });
		const revoked = await make({ userId: staff.id });
		const left = await make({ userId: staff.id });
		await expect(
			transaction((tx) => revokeApiToken(tx, revoked.id, { userId: stranger.id }, SYSTEM))
		).rejects.toMatchObject({ code: 'NOT_FOUND' });
		await transaction((tx) => revokeApiToken(tx, revoked.id, { userId: staff.id }, SYSTEM));
		expect(await resolveApiToken(left.token)).not.toBeNull();
		await db.user.update({ where: { id: staff.id }, data: { status: 'disabled' } });
		for (const token of [expired.token, revoked.token, left.token, 'x.y', ''])
			expect(await resolveApiToken(token)).toBeNull();
	});

	it('is not made for scopes that do not exist', async () => {
		const staff = await createStaff();
		for (const scopes of [[], ['nope'], ['tenants:read', 'instance:open']]) {
			await expect(make({ userId: staff.id, scopes })).rejects.toMatchObject({ code: 'BAD_INPUT' });
		}
	});
});

describe('somebody new of the staff', () => {
	it('has no password, and one who is known keeps theirs', async () => {
		const fresh = await transaction((tx) =>
			addStaff(tx, { email: ' Nueva@Example.com', fullName: 'Nueva', role: 'finance' })
		);
		expect(fresh.hasPassword).toBe(false);
		expect(
			await db.user.findUnique({
				where: { id: fresh.userId },
				select: { email: true, staffRole: { select: { key: true } } }
			})
		).toEqual({
			email: 'nueva@example.com',
			staffRole: { key: 'finance' }
		});
		const member = await createMember();
		const promoted = await transaction((tx) =>
			addStaff(tx, { email: member.email, fullName: 'x', role: 'auditor' })
		);
		expect(promoted).toEqual({ userId: member.id, hasPassword: true });
		expect(await db.membership.count({ where: { userId: member.id } })).toBe(1);
	});
});
