import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { readGrants, type CustomerPermission, type Scope } from './permissions.ts';
import { accessChanged } from './sessions.server.ts';

/** Who changes a team: staff may give any role, a member only what lies within the own one. */
export interface TeamActor {
	by: Actor;
	/** Null for staff. */
	grants: ReadonlyMap<CustomerPermission, Scope> | null;
}

export interface GivenRole {
	id: string;
	key: string;
	name: string;
}

/** Roles that this person may give, in the order of what they allow. */
export async function rolesToGive(tx: Tx, actor: Pick<TeamActor, 'grants'>): Promise<GivenRole[]> {
	const roles = await tx.role.findMany({
		where: { kind: 'customer' },
		select: { id: true, key: true, name: true, permissions: true }
	});
	return roles
		.filter(({ permissions }) => isWithin(actor, permissions))
		.sort((one, other) => other.permissions.length - one.permissions.length)
		.map(({ id, key, name }) => ({ id, key, name }));
}

/** @throws {AppError} BAD_INPUT beside `role` when there is none such, or it allows more than this person may */
export async function roleToGive(tx: Tx, actor: TeamActor, key: string): Promise<GivenRole> {
	const role = (await rolesToGive(tx, actor)).find((one) => one.key === key);
	if (!role) throw new AppError('BAD_INPUT', { fields: { role: m.members_role_beyond() } });
	return role;
}

/** From here to the end of `tx` nobody else changes who belongs to this company, or who owns it. */
export async function lockTeam(tx: Tx, customerId: string): Promise<void> {
	await lock(tx, `identity.team:${customerId}`);
}

/**
 * Gives a member another role.
 * @throws {AppError} NOT_FOUND; BAD_INPUT beside `role`; FORBIDDEN for who may more than the one who asks; LAST_OWNER
 */
export async function changeRole(
	tx: Tx,
	given: { customerId: string; membershipId: string; role: string },
	actor: TeamActor
): Promise<void> {
	await lockTeam(tx, given.customerId);
	const member = await memberOf(tx, given, actor);
	const role = await roleToGive(tx, actor, given.role);
	if (role.id === member.roleId) return;
	if (member.role.key === 'owner') await refuseLastOwner(tx, member);
	await setRole(tx, member, role, actor.by);
}

/**
 * Takes a member out of a company; whoever asks for it about themselves leaves. Their sessions and sockets are asked anew.
 * @throws {AppError} NOT_FOUND; FORBIDDEN; LAST_OWNER
 */
export async function removeMember(
	tx: Tx,
	given: { customerId: string; membershipId: string },
	actor: TeamActor
): Promise<void> {
	await lockTeam(tx, given.customerId);
	const member = await memberOf(tx, given, actor);
	if (member.role.key === 'owner') await refuseLastOwner(tx, member);
	await tx.membership.delete({ where: { id: member.id, customerId: given.customerId } });
	await tx.session.deleteMany({
		where: { userId: member.userId, side: 'customer', customerId: given.customerId }
	});
	await note(tx, member, actor.by, 'identity.remove_member', {
		before: { email: member.user.email, role: member.role.key }
	});
}

/**
 * Hands a company over: the member becomes an owner, and who hands it over a manager.
 * @throws {AppError} NOT_FOUND; FORBIDDEN unless an owner asks
 */
export async function transferOwnership(
	tx: Tx,
	given: { customerId: string; membershipId: string; fromUserId: string },
	actor: TeamActor
): Promise<void> {
	await lockTeam(tx, given.customerId);
	const from = await tx.membership.findFirst({
		where: { customerId: given.customerId, userId: given.fromUserId, role: { key: 'owner' } },
		select: memberSelect
	});
	if (!from) throw new AppError('FORBIDDEN', { detail: 'only an owner hands over' });
	const to = await memberOf(tx, given, actor);
	if (to.id !== from.id) await handOver(tx, to, [from], actor.by);
}

/**
 * Staff hand a company over, because its owner cannot: the member becomes its owner, and all who were are managers.
 * @param given.reason who asked for it, and how that was checked; kept in the audit log
 * @throws {AppError} NOT_FOUND; FORBIDDEN for a member who may not log in
 */
export async function transferByStaff(
	tx: Tx,
	given: { customerId: string; membershipId: string; reason: string },
	by: Actor
): Promise<void> {
	const { customerId, reason } = given;
	await lockTeam(tx, customerId);
	const to = await memberOf(tx, given, { by, grants: null });
	const owners = await tx.membership.findMany({
		where: { customerId, id: { not: to.id }, role: { key: 'owner' } },
		select: memberSelect
	});
	if (to.role.key === 'owner' && owners.length === 0) return;
	await handOver(tx, to, owners, by);
	await audit(tx, {
		actor: by,
		action: 'identity.transfer_ownership',
		subject: { type: 'user', id: to.userId },
		customerId,
		before: { emails: owners.map(({ user }) => user.email) },
		after: { email: to.user.email, reason }
	});
}

/** In this order: there is always somebody who owns the company. */
async function handOver(tx: Tx, to: Member, from: Member[], by: Actor): Promise<void> {
	if (to.user.status !== 'active') throw new AppError('FORBIDDEN', { detail: 'disabled' });
	const roles = await tx.role.findMany({
		where: { kind: 'customer', key: { in: ['owner', 'manager'] } },
		select: { id: true, key: true, name: true }
	});
	const give = async (member: Member, key: string) => {
		const role = roles.find((one) => one.key === key);
		if (role && role.id !== member.roleId) await setRole(tx, member, role, by);
	};
	await give(to, 'owner');
	for (const member of from) await give(member, 'manager');
}

const memberSelect = {
	id: true,
	customerId: true,
	userId: true,
	roleId: true,
	role: { select: { key: true, permissions: true } },
	user: { select: { email: true, status: true } }
} as const;

interface Member {
	id: string;
	customerId: string;
	userId: string;
	roleId: string;
	role: { key: string; permissions: string[] };
	user: { email: string; status: string };
}

async function memberOf(
	tx: Tx,
	{ customerId, membershipId }: { customerId: string; membershipId: string },
	actor: TeamActor
): Promise<Member> {
	const member = await tx.membership.findFirst({
		where: { id: membershipId, customerId },
		select: memberSelect
	});
	if (!member) throw new AppError('NOT_FOUND');
	const isSelf = actor.grants !== null && member.userId === actor.by.id;
	if (!isSelf && !isWithin(actor, member.role.permissions))
		throw new AppError('FORBIDDEN', { detail: 'about who may more' });
	return member;
}

/** @throws {AppError} LAST_OWNER when nobody else who can log in owns the company */
async function refuseLastOwner(tx: Tx, { id, customerId }: Member): Promise<void> {
	const others = await tx.membership.count({
		where: { customerId, id: { not: id }, role: { key: 'owner' }, user: { status: 'active' } }
	});
	if (others === 0) throw new AppError('LAST_OWNER');
}

async function setRole(tx: Tx, member: Member, role: GivenRole, by: Actor): Promise<void> {
	await tx.membership.update({
		where: { id: member.id, customerId: member.customerId },
		data: { roleId: role.id }
	});
	await note(tx, member, by, 'identity.change_role', {
		before: { role: member.role.key },
		after: { email: member.user.email, role: role.key }
	});
}

async function note(
	tx: Tx,
	member: Member,
	by: Actor,
	action: string,
	change: { before?: unknown; after?: unknown }
): Promise<void> {
	await audit(tx, {
		actor: by,
		action,
		subject: { type: 'user', id: member.userId },
		customerId: member.customerId,
		...change
	});
	await accessChanged(tx, member.userId);
	await publish(tx, `customer:${member.customerId}`, 'team');
}

/** True when a role allows nothing that this person may not. */
function isWithin({ grants }: Pick<TeamActor, 'grants'>, permissions: string[]): boolean {
	if (grants === null) return true;
	const order: Scope[] = ['own', 'assigned', 'all'];
	return [...readGrants(permissions)].every(([permission, scope]) => {
		const own = grants.get(permission);
		return own !== undefined && order.indexOf(own) >= order.indexOf(scope);
	});
}
