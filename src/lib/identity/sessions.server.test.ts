import { describe, expect, it } from 'vitest';
import { DAY, HOUR } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import {
	createCompany,
	createMember,
	createStaff,
	sessionFor
} from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import type { Auth } from './auth.ts';
import {
	removeEnded,
	resolveSession,
	revokeSession,
	revokeSessions,
	switchCustomer
} from './sessions.server.ts';

await testDatabase();

async function authOf(token: string): Promise<Auth> {
	const resolved = await resolveSession(token);
	if (!resolved) throw new Error('no session');
	return resolved.auth;
}

const minutesUntil = (moment: Date) => (moment.getTime() - Date.now()) / 60_000;

describe('a session', () => {
	it('is known by its whole token alone, of which the database has only a hash', async () => {
		const member = await createMember('owner');
		const { id, token } = await sessionFor(member);
		const [, secret = ''] = token.split('.');
		const stored = await db.session.findUniqueOrThrow({ where: { id } });
		expect(Buffer.from(stored.secretHash).toString('latin1')).not.toContain(secret);
		expect((await authOf(token)).user.id).toBe(member.id);
		for (const wrong of [id, `${id}.${'a'.repeat(24)}`, `${token}.x`, '', 'x'.repeat(5_000)]) {
			expect(await resolveSession(wrong)).toBeNull();
		}
	});

	it('gives members their company, role and scopes, and staff their permissions', async () => {
		const member = await createMember('member');
		const auth = await authOf((await sessionFor(member)).token);
		expect(auth).toMatchObject({
			side: 'customer',
			role: 'member',
			customer: { id: member.customerId }
		});
		expect(Object.fromEntries(auth.permissions.entries())).toMatchObject({
			'instance:read': 'all',
			'activity:read': 'own'
		});
		const staff = await authOf((await sessionFor(await createStaff('finance'))).token);
		expect([...staff.permissions.keys()]).toContain('billing:refund');
		expect([...staff.permissions.keys()]).not.toContain('tenants:delete');
	});

	it('ends with the idle time of its side, and a visit moves the end at most hourly', async () => {
		const staff = await sessionFor(await createStaff());
		const member = await sessionFor(await createMember());
		const ends = async (id: string) =>
			minutesUntil((await db.session.findUniqueOrThrow({ where: { id } })).expiresAt) / 60;
		expect(await ends(staff.id)).toBeCloseTo(12, 1);
		expect(await ends(member.id)).toBeCloseTo(30 * 24, 1);
		expect((await resolveSession(staff.token))?.slidTo).toBeNull();
		await db.session.update({
			where: { id: staff.id },
			data: { lastSeenAt: new Date(Date.now() - HOUR), expiresAt: new Date(Date.now() + 11 * HOUR) }
		});
		expect((await resolveSession(staff.token))?.slidTo).toBeInstanceOf(Date);
		expect(await ends(staff.id)).toBeCloseTo(12, 1);
		await db.session.update({
			where: { id: staff.id },
			data: { expiresAt: new Date(Date.now() - 1) }
		});
		expect(await resolveSession(staff.token)).toBeNull();
		await removeEnded(new Date());
		expect(await db.session.findUnique({ where: { id: staff.id } })).toBeNull();
	});

	it('dies with the person, the role, the membership and the company', async () => {
		const disabled = await createMember();
		const sacked = await createStaff();
		const removed = await createMember();
		const closed = await createMember();
		const tokens: string[] = [];
		for (const user of [disabled, sacked, removed, closed])
			tokens.push((await sessionFor(user)).token);
		await db.user.update({ where: { id: disabled.id }, data: { status: 'disabled' } });
		await db.user.update({ where: { id: sacked.id }, data: { staffRoleId: null } });
		await db.membership.deleteMany({ where: { userId: removed.id } });
		await db.customer.update({ where: { id: closed.customerId }, data: { status: 'deleted' } });
		expect(await Promise.all(tokens.map((token) => resolveSession(token)))).toEqual([
			null,
			null,
			null,
			null
		]);
	});

	it('says that staff without a second factor must set one up', async () => {
		const staff = await createStaff('support', { secondFactor: false });
		expect((await authOf((await sessionFor(staff)).token)).secondFactorMissing).toBe(true);
	});

	it('is revoked by its owner and by nobody else', async () => {
		const owner = await createMember();
		const first = await sessionFor(owner);
		const second = await sessionFor(owner);
		const stranger = await authOf((await sessionFor(await createMember())).token);
		await expect(transaction((tx) => revokeSession(tx, stranger, first.id))).rejects.toMatchObject({
			code: 'NOT_FOUND'
		});
		const auth = await authOf(second.token);
		await transaction((tx) => revokeSession(tx, auth, first.id));
		expect(await resolveSession(first.token)).toBeNull();
		await sessionFor(owner);
		expect(await transaction((tx) => revokeSessions(tx, owner.id, second.id))).toBe(1);
		expect(await resolveSession(second.token)).not.toBeNull();
	});

	it('switches between the companies of the person alone', async () => {
		const member = await createMember('member');
		const other = await createCompany();
		const { token } = await sessionFor(member);
		const auth = await authOf(token);
		await expect(transaction((tx) => switchCustomer(tx, auth, other.id))).rejects.toMatchObject({
			code: 'NOT_FOUND'
		});
		const role = await db.role.findUniqueOrThrow({
			where: { kind_key: { kind: 'customer', key: 'owner' } }
		});
		await db.membership.create({
			data: { userId: member.id, customerId: other.id, roleId: role.id }
		});
		await transaction((tx) => switchCustomer(tx, auth, other.id));
		expect(await authOf(token)).toMatchObject({ role: 'owner', customer: { id: other.id } });
	});

	it('keeps what has not ended', async () => {
		const { token } = await sessionFor(await createMember());
		await removeEnded(new Date(Date.now() + DAY));
		expect(await resolveSession(token)).not.toBeNull();
	});
});
