import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Auth } from './auth.ts';
import { readBearer, sameSecret } from './bearer.server.ts';
import type { Origin } from './login.server.ts';
import { lockTeam } from './membersChange.server.ts';
import { checkPassword, hashPassword, passwordProblem } from './passwords.server.ts';
import { clearPoints, takePoint } from './rateLimits.server.ts';
import { accessChanged, createSession, switchCustomer } from './sessions.server.ts';
import { checkSecondFactor } from './totp.server.ts';

export type InvitationState = 'open' | 'accepted' | 'revoked' | 'expired';

/** An invitation as its holder sees it. */
export interface OpenedInvitation {
	id: string;
	state: InvitationState;
	email: string;
	company: string;
	customerId: string;
	role: { key: string; name: string };
	by: string;
	expiresAt: Date;
	/** Who has the address: nobody yet, somebody who has no password yet, somebody who logs in. */
	person: 'new' | 'no_password' | 'known';
	/** Their login asks for a code as well. */
	secondFactor: boolean;
}

/**
 * Reads a mailed invitation, in whatever state it is.
 * @throws {AppError} LINK_EXPIRED when no such link was ever made, or a newer one was mailed; RATE_LIMITED
 */
export async function openInvitation(
	token: string | undefined,
	from: Pick<Origin, 'ip'>
): Promise<OpenedInvitation> {
	await takePoint('token-address', from.ip);
	const given = readBearer(token);
	const found =
		given &&
		(await db.invitation.findUnique({
			where: { id: given.id },
			include: {
				customer: { select: { companyName: true, status: true } },
				role: { select: { key: true, name: true } }
			}
		}));
	if (!found || !sameSecret(given, found.secretHash)) throw new AppError('LINK_EXPIRED');
	const user = await db.user.findUnique({
		where: { email: found.email },
		select: {
			staffRoleId: true,
			credential: { select: { passwordHash: true, totpEnabledAt: true } }
		}
	});
	const hasPassword = Boolean(user?.credential?.passwordHash);
	return {
		id: found.id,
		state: stateOf(found, found.customer.status === 'deleted'),
		email: found.email,
		company: found.customer.companyName,
		customerId: found.customerId,
		role: found.role,
		by: found.byLabel,
		expiresAt: found.expiresAt,
		// Staff set their first password by a link of their own.
		person: !user ? 'new' : hasPassword || user.staffRoleId ? 'known' : 'no_password',
		secondFactor: Boolean(user?.credential?.totpEnabledAt)
	};
}

export interface Entered {
	/** Value of the session cookie. */
	token: string;
	expiresAt: Date;
}

/**
 * Somebody without an account, or without a password, joins: the mailed link proves the address.
 * @throws {AppError} LINK_EXPIRED; BAD_INPUT beside `password`
 */
export async function joinAsNew(
	invitation: OpenedInvitation,
	given: { fullName: string; password: string },
	from: Origin
): Promise<Entered> {
	if (invitation.person === 'known') throw new AppError('LINK_EXPIRED');
	const { email } = invitation;
	const weak = passwordProblem(given.password, [email, given.fullName]);
	if (weak) throw new AppError('BAD_INPUT', { fields: { password: weak } });
	const passwordHash = await hashPassword(given.password);
	const at = new Date();
	return transaction(async (tx) => {
		await lock(tx, `identity.email:${email}`);
		const taken = await tx.user.findUnique({
			where: { email },
			select: { id: true, staffRoleId: true, credential: { select: { passwordHash: true } } }
		});
		if (taken?.credential?.passwordHash || taken?.staffRoleId) throw new AppError('LINK_EXPIRED');
		const user =
			taken ??
			(await tx.user.create({
				data: {
					email,
					fullName: given.fullName,
					locale: await localeOf(tx, invitation.id),
					credential: { create: {} }
				},
				select: { id: true }
			}));
		await tx.user.update({
			where: { id: user.id },
			data: { fullName: given.fullName, emailVerifiedAt: at }
		});
		await tx.userCredential.upsert({
			where: { userId: user.id },
			create: { userId: user.id, passwordHash, passwordSetAt: at },
			update: { passwordHash, passwordSetAt: at }
		});
		return enter(tx, invitation, { userId: user.id, secondFactor: false }, from);
	});
}

/**
 * Somebody who has an account but no open session logs in and joins at once.
 * @throws {AppError} LINK_EXPIRED; BAD_INPUT beside `password` or `code`; RATE_LIMITED
 */
export async function joinByPassword(
	invitation: OpenedInvitation,
	given: { password: string; code?: string | undefined },
	from: Origin
): Promise<Entered> {
	const { email } = invitation;
	await takePoint('login-address', from.ip);
	await takePoint('login-account', email);
	const user = await db.user.findUnique({
		where: { email, status: 'active' },
		select: { id: true, credential: { select: { passwordHash: true, totpEnabledAt: true } } }
	});
	if (!(await checkPassword(user?.credential?.passwordHash, given.password)) || !user)
		throw beside('password', m.invite_password_wrong());
	const secondFactor = Boolean(user.credential?.totpEnabledAt);
	const entered = await transaction(async (tx) => {
		if (secondFactor && !(await checkSecondFactor(tx, user.id, given.code?.trim() ?? '', from)))
			return null;
		return enter(tx, invitation, { userId: user.id, secondFactor }, from);
	});
	if (!entered) throw beside('code', new AppError('BAD_SECOND_FACTOR').sentence);
	await clearPoints('login-account', email);
	return entered;
}

/**
 * Somebody who is logged in joins; a session of the portal works for the new company from now on.
 * @throws {AppError} LINK_EXPIRED; FORBIDDEN for whoever has another address
 */
export async function joinAsLoggedIn(invitation: OpenedInvitation, auth: Auth): Promise<void> {
	if (auth.user.email !== invitation.email || !auth.session)
		throw new AppError('FORBIDDEN', { detail: 'somebody else’s invitation' });
	await transaction(async (tx) => {
		await join(tx, invitation, auth.user.id);
		if (auth.side === 'customer') await switchCustomer(tx, auth, invitation.customerId);
	});
}

async function enter(
	tx: Tx,
	invitation: OpenedInvitation,
	{ userId, secondFactor }: { userId: string; secondFactor: boolean },
	from: Origin
): Promise<Entered> {
	await join(tx, invitation, userId);
	const { ip, userAgent, requestId } = from;
	const { customerId } = invitation;
	const session = await createSession(tx, {
		...{ userId, customerId, ip, userAgent, secondFactor },
		side: 'customer'
	});
	await tx.user.update({ where: { id: userId }, data: { lastLoginAt: new Date() } });
	await audit(tx, {
		actor: { kind: 'member', id: userId, label: invitation.email },
		action: 'identity.login',
		subject: { type: 'session', id: session.id },
		...{ customerId, ip, requestId }
	});
	return { token: session.token, expiresAt: session.expiresAt };
}

/** Uses the invitation up and makes the membership: of two that come at once, one. @throws {AppError} LINK_EXPIRED */
async function join(tx: Tx, { id, customerId, email }: OpenedInvitation, userId: string) {
	await lockTeam(tx, customerId);
	const at = new Date();
	const { count } = await tx.invitation.updateMany({
		where: {
			...{ id, acceptedAt: null, revokedAt: null, expiresAt: { gt: at } },
			customer: { status: { not: 'deleted' } }
		},
		data: { acceptedAt: at }
	});
	if (count !== 1) throw new AppError('LINK_EXPIRED');
	const { roleId, role } = await tx.invitation.findUniqueOrThrow({
		where: { id },
		select: { roleId: true, role: { select: { key: true } } }
	});
	await tx.membership.createMany({ data: [{ userId, customerId, roleId }], skipDuplicates: true });
	await audit(tx, {
		actor: { kind: 'member', id: userId, label: email },
		action: 'identity.accept_invitation',
		subject: { type: 'user', id: userId },
		customerId,
		after: { email, role: role.key }
	});
	await accessChanged(tx, userId);
	await publish(tx, `customer:${customerId}`, 'team');
}

function stateOf(
	invitation: { acceptedAt: Date | null; revokedAt: Date | null; expiresAt: Date },
	isDeleted: boolean
): InvitationState {
	if (invitation.acceptedAt) return 'accepted';
	if (invitation.revokedAt || isDeleted) return 'revoked';
	return invitation.expiresAt <= new Date() ? 'expired' : 'open';
}

async function localeOf(tx: Tx, id: string): Promise<string> {
	const { locale } = await tx.invitation.findUniqueOrThrow({
		where: { id },
		select: { locale: true }
	});
	return locale;
}

function beside(field: string, sentence: string): AppError {
	return new AppError('BAD_INPUT', { fields: { [field]: sentence } });
}
