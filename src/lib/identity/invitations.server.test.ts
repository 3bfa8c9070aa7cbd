import { describe, expect, it } from 'vitest';
import {
	anInvitation,
	createMember,
	PASSWORD,
	sessionFor
} from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Auth } from './auth.ts';
import {
	invitationToken,
	invite,
	resendInvitation,
	revokeInvitation
} from './invitations.server.ts';
import {
	joinAsLoggedIn,
	joinAsNew,
	joinByPassword,
	openInvitation
} from './invitationsAccept.server.ts';
import {
	changeRole,
	removeMember,
	rolesToGive,
	transferOwnership,
	type TeamActor
} from './membersChange.server.ts';
import { readGrants, CUSTOMER_ROLE_GRANTS, type CustomerRoleKey } from './permissions.ts';
import { resolveSession } from './sessions.server.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });

const from = { ip: '203.0.113.9', userAgent: null, requestId: 'test' };
const strong = 'cinco gatos verdes 77';
const staff: TeamActor = {
	by: { kind: 'staff', id: null, label: 'ana@erp.example' },
	grants: null
};
const as = (user: { id: string; email: string }, role: CustomerRoleKey): TeamActor => ({
	by: { kind: 'member', id: user.id, label: user.email },
	grants: readGrants(CUSTOMER_ROLE_GRANTS[role])
});
const membershipOf = async (userId: string, customerId: string) =>
	(await db.membership.findUnique({
		where: { userId_customerId: { userId, customerId } },
		select: { id: true, role: { select: { key: true } } }
	})) ?? null;
const ask = (customerId: string, email: string, role = 'member') =>
	transaction((tx) => invite(tx, { customerId, email, role, locale: 'es' }, staff));
const linkOf = (id: string) => invitationToken(db, id);

describe('an invitation', () => {
	it('brings in a new person, once, with a password of their own', async () => {
		const { customerId } = await createMember('owner');
		const { id } = await ask(customerId, 'Nueva@Invite.example', 'manager');
		const token = await linkOf(id);
		const opened = await openInvitation(token, from);
		expect(opened).toMatchObject({ state: 'open', person: 'new', email: 'nueva@invite.example' });
		const given = { fullName: 'Nueva Persona', password: strong };
		await expect(joinAsNew(opened, { ...given, password: '123' }, from)).rejects.toMatchObject({
			fields: { password: expect.any(String) }
		});
		const tried = await Promise.allSettled([
			joinAsNew(opened, given, from),
			joinAsNew(opened, given, from)
		]);
		const entered = tried.flatMap((result) =>
			result.status === 'fulfilled' ? result.value.token : []
		);
		expect(entered).toHaveLength(1);
		const session = await resolveSession(entered[0]);
		expect(session?.auth).toMatchObject({ role: 'manager', customer: { id: customerId } });
		expect(await openInvitation(token, from)).toMatchObject({ state: 'accepted' });
	});

	it('is mailed without its link, and stored as a hash', async () => {
		const { customerId } = await createMember('owner');
		const { id } = await ask(customerId, 'secret@invite.example');
		const token = await linkOf(id);
		const secret = token.split('.')[1]!;
		const mail = await db.emailMessage.findFirstOrThrow({
			where: { toAddress: 'secret@invite.example' }
		});
		expect(mail).toMatchObject({ template: 'invitation' });
		expect(JSON.stringify(mail)).not.toContain(secret);
		const row = await db.invitation.findUniqueOrThrow({ where: { id } });
		expect(Buffer.from(row.secretHash).toString()).not.toContain(secret);
	});

	it('asks a known person to log in, and takes the wrong password for none', async () => {
		const known = await createMember('owner');
		const { customerId } = await createMember('owner');
		const { id } = await ask(customerId, known.email);
		const opened = await openInvitation(await linkOf(id), from);
		expect(opened.person).toBe('known');
		await expect(
			joinAsNew(opened, { fullName: 'x', password: strong }, from)
		).rejects.toMatchObject({ code: 'LINK_EXPIRED' });
		await expect(joinByPassword(opened, { password: 'no' }, from)).rejects.toMatchObject({
			fields: { password: expect.any(String) }
		});
		expect(await membershipOf(known.id, customerId)).toBeNull();
		const { token } = await joinByPassword(opened, { password: PASSWORD }, from);
		expect((await resolveSession(token))?.auth.customer?.id).toBe(customerId);
	});

	it('is for nobody else', async () => {
		const other = await createMember('owner');
		const { customerId } = await createMember('owner');
		const opened = await openInvitation(
			await linkOf((await ask(customerId, 'mine@invite.example')).id),
			from
		);
		const resolved = await resolveSession((await sessionFor(other)).token);
		await expect(joinAsLoggedIn(opened, resolved!.auth as Auth)).rejects.toMatchObject({
			code: 'FORBIDDEN'
		});
	});

	it('that is sent again has a new secret, and the earlier link is dead', async () => {
		const { customerId } = await createMember('owner');
		const { id } = await ask(customerId, 'again@invite.example');
		const first = await linkOf(id);
		await transaction((tx) => resendInvitation(tx, { customerId, invitationId: id }, staff));
		await expect(openInvitation(first, from)).rejects.toMatchObject({ code: 'LINK_EXPIRED' });
		expect(await openInvitation(await linkOf(id), from)).toMatchObject({ state: 'open' });
		expect(await db.emailMessage.count({ where: { toAddress: 'again@invite.example' } })).toBe(2);
	});

	it('that is late or taken back opens nothing, and says so', async () => {
		const { customerId } = await createMember('owner');
		const late = await anInvitation(customerId, { expiresAt: new Date(Date.now() - 1_000) });
		const opened = await openInvitation(await linkOf(late.id), from);
		expect(opened.state).toBe('expired');
		await expect(
			joinAsNew(opened, { fullName: 'x', password: strong }, from)
		).rejects.toMatchObject({ code: 'LINK_EXPIRED' });
		expect(await db.user.findUnique({ where: { email: late.email } })).toBeNull();
		// One that is late makes room for the next.
		expect((await ask(customerId, late.email)).id).not.toBe(late.id);
		const { id } = await ask(customerId, 'revoked@invite.example');
		await transaction((tx) => revokeInvitation(tx, { customerId, invitationId: id }, staff));
		expect(await openInvitation(await linkOf(id), from)).toMatchObject({ state: 'revoked' });
	});

	it('is refused for members and for who is asked already', async () => {
		const member = await createMember('owner');
		await expect(ask(member.customerId, member.email)).rejects.toMatchObject({
			fields: { email: expect.stringContaining('pertenece') }
		});
		const both = await Promise.allSettled([
			ask(member.customerId, 'twice@invite.example'),
			ask(member.customerId, 'twice@invite.example')
		]);
		expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
	});
});

describe('a team', () => {
	it('is changed within what one may: nobody makes themselves more', async () => {
		const manager = await createMember('manager');
		const { customerId } = manager;
		const owner = await createMember('owner', { id: customerId });
		const member = await createMember('member', { id: customerId });
		const actor = as(manager, 'manager');
		expect((await rolesToGive(db, actor)).map(({ key }) => key)).not.toContain('owner');
		const own = await membershipOf(manager.id, customerId);
		const change = (membershipId: string, role: string) =>
			transaction((tx) => changeRole(tx, { customerId, membershipId, role }, actor));
		await expect(change(own!.id, 'owner')).rejects.toMatchObject({ code: 'BAD_INPUT' });
		const owners = await membershipOf(owner.id, customerId);
		await expect(change(owners!.id, 'member')).rejects.toMatchObject({ code: 'FORBIDDEN' });
		await change((await membershipOf(member.id, customerId))!.id, 'manager');
		expect((await membershipOf(member.id, customerId))?.role.key).toBe('manager');
		const foreign = await createMember('member');
		const theirs = await membershipOf(foreign.id, foreign.customerId);
		await expect(change(theirs!.id, 'manager')).rejects.toMatchObject({ code: 'NOT_FOUND' });
	});

	it('keeps its last owner, who can neither leave, be removed nor be demoted', async () => {
		const owner = await createMember('owner');
		const { customerId } = owner;
		const disabled = await createMember('owner', { id: customerId });
		await db.user.update({ where: { id: disabled.id }, data: { status: 'disabled' } });
		const { id: membershipId } = (await membershipOf(owner.id, customerId))!;
		const given = { customerId, membershipId };
		const refused = { code: 'LAST_OWNER' };
		for (const actor of [staff, as(owner, 'owner')]) {
			await expect(transaction((tx) => removeMember(tx, given, actor))).rejects.toMatchObject(
				refused
			);
			await expect(
				transaction((tx) => changeRole(tx, { ...given, role: 'member' }, actor))
			).rejects.toMatchObject(refused);
		}
		expect((await membershipOf(owner.id, customerId))?.role.key).toBe('owner');
	});

	it('keeps an owner when two go at the same moment', async () => {
		for (let round = 0; round < 5; round++) {
			const one = await createMember('owner');
			const { customerId } = one;
			const other = await createMember('owner', { id: customerId });
			const leave = async (user: { id: string; email: string }) => {
				const { id: membershipId } = (await membershipOf(user.id, customerId))!;
				return transaction((tx) =>
					removeMember(tx, { customerId, membershipId }, as(user, 'owner'))
				);
			};
			const tried = await Promise.allSettled([leave(one), leave(other)]);
			expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
			expect(await db.membership.count({ where: { customerId, role: { key: 'owner' } } })).toBe(1);
		}
	});

	it('loses a member at once, sessions included', async () => {
		const owner = await createMember('owner');
		const { customerId } = owner;
		const member = await createMember('member', { id: customerId });
		const { token } = await sessionFor(member);
		const { id: membershipId } = (await membershipOf(member.id, customerId))!;
		await transaction((tx) => removeMember(tx, { customerId, membershipId }, as(owner, 'owner')));
		expect(await resolveSession(token)).toBeNull();
	});

	it('is handed over by an owner alone', async () => {
		const owner = await createMember('owner');
		const { customerId } = owner;
		const member = await createMember('member', { id: customerId });
		const { id: membershipId } = (await membershipOf(member.id, customerId))!;
		const hand = (fromUserId: string, actor: TeamActor) =>
			transaction((tx) => transferOwnership(tx, { customerId, membershipId, fromUserId }, actor));
		await expect(hand(member.id, as(member, 'member'))).rejects.toMatchObject({
			code: 'FORBIDDEN'
		});
		await hand(owner.id, as(owner, 'owner'));
		expect((await membershipOf(member.id, customerId))?.role.key).toBe('owner');
		expect((await membershipOf(owner.id, customerId))?.role.key).toBe('manager');
	});
});
