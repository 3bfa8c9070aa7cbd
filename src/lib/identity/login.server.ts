import type { RequestEvent } from '@sveltejs/kit';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { actorOf } from './actor.server.ts';
import type { Auth, AuthUser } from './auth.ts';
import { foldEmail } from './email.ts';
import { joinOwnCustomers, waitingCustomer } from './members.server.ts';
import { checkPassword } from './passwords.server.ts';
import { clearPoints, returnPoint, takePoint } from './rateLimits.server.ts';
import { staffSecondFactorRequired } from './secondFactor.server.ts';
import { type Side, accessChanged, authUser, createSession } from './sessions.server.ts';
import { checkSecondFactor } from './totp.server.ts';
import { issueUserToken, readUserToken, spendUserToken } from './userTokens.server.ts';

export type LoginRole = 'admin' | 'tenant';

export interface Credentials {
	email: string;
	password: string;
	role: LoginRole;
	/** Code of the application, or a recovery code. */
	totp?: string | undefined;
}

/** From where somebody asks, for limits, session list and audit. */
export interface Origin {
	ip: string;
	userAgent: string | null;
	requestId: string;
}

export interface LoggedIn {
	/** Value of the session cookie. */
	token: string;
	expiresAt: Date;
	user: AuthUser;
	role: LoginRole;
	redirectUrl: string;
}

/** From where a request comes. */
export function requestOrigin(event: Pick<RequestEvent, 'locals' | 'request'>): Origin {
	const { ip, requestId } = event.locals;
	return { ip, requestId, userAgent: event.request.headers.get('user-agent') };
}

const SIDES: Record<LoginRole, Side> = { admin: 'staff', tenant: 'customer' };
/** Where staff without a second factor go before anything else. */
export const SET_UP_SECOND_FACTOR = '/login/second-factor';
const HOMES: Record<LoginRole, string> = { admin: '/admin', tenant: '/tenant/portal' };

/**
 * Email, password and, where one is set up, second factor.
 * @throws {AppError} BAD_CREDENTIALS for everything that is wrong with email, password or side; SECOND_FACTOR_NEEDED and
 * BAD_SECOND_FACTOR after a right password; RATE_LIMITED after five wrong ones for an account or thirty from an address
 */
export async function login(given: Credentials, from: Origin): Promise<LoggedIn> {
	const email = foldEmail(given.email);
	await takePoint('login-address', from.ip);
	await takePoint('login-account', email);
	const person = await proved(email, given, from);
	if (person.secondFactor) {
		if (!given.totp) {
			await returnPoints(email, from);
			throw new AppError('SECOND_FACTOR_NEEDED');
		}
		await proveSecondFactor(person.user.id, email, given.totp, given.role, from);
	}
	await returnPoints(email, from);
	await clearPoints('login-account', email);
	return openSession(person, email, given.role, from);
}

/** A right password whose second factor is still to come. @returns the value of the challenge cookie */
export async function challenge(
	given: Credentials,
	from: Origin
): Promise<{ value: string; expiresAt: Date }> {
	const email = foldEmail(given.email);
	await takePoint('login-address', from.ip);
	await takePoint('login-account', email);
	const person = await proved(email, given, from);
	await returnPoints(email, from);
	const { token, expiresAt } = await issueUserToken(db, person.user.id, 'second_factor');
	return { value: `${given.role}~${token}`, expiresAt };
}

/**
 * The second page of a login.
 * @throws {AppError} LINK_EXPIRED when the password was given too long ago; BAD_SECOND_FACTOR; RATE_LIMITED
 */
export async function answerChallenge(
	value: string | undefined,
	totp: string,
	from: Origin
): Promise<LoggedIn> {
	const [role, token] = value?.split('~') ?? [];
	if (role !== 'admin' && role !== 'tenant') throw new AppError('LINK_EXPIRED');
	const { id, userId } = await readUserToken(db, token, ['second_factor']);
	const user = await db.user.findUniqueOrThrow({ where: { id: userId }, select: { email: true } });
	await takePoint('login-address', from.ip);
	await takePoint('login-account', user.email);
	const person = await findPerson(user.email, role);
	if (!person) throw new AppError('LINK_EXPIRED');
	await proveSecondFactor(person.user.id, user.email, totp, role, from);
	await spendUserToken(db, id);
	await returnPoints(user.email, from);
	await clearPoints('login-account', user.email);
	return openSession(person, user.email, role, from);
}

/** Ends the session that asks. A token has none: it is revoked, not logged out. */
export async function logout(auth: Auth): Promise<void> {
	const { session } = auth;
	if (!session) return;
	await transaction(async (tx) => {
		await tx.session.deleteMany({ where: { id: session.id } });
		await audit(tx, {
			actor: actorOf(auth),
			action: 'identity.logout',
			subject: { type: 'session', id: session.id }
		});
		await accessChanged(tx, auth.user.id);
	});
}

interface Person {
	user: AuthUser;
	passwordHash: string | null;
	secondFactor: boolean;
	customerId: string | null;
}

async function proved(email: string, given: Credentials, from: Origin): Promise<Person> {
	const person = await findPerson(email, given.role);
	if ((await checkPassword(person?.passwordHash, given.password)) && person) return person;
	await noteFailure(email, given.role, 'password', from);
	throw new AppError('BAD_CREDENTIALS');
}

async function proveSecondFactor(
	userId: string,
	email: string,
	code: string,
	role: LoginRole,
	from: Origin
) {
	if (await transaction((tx) => checkSecondFactor(tx, userId, code, from))) return;
	await noteFailure(email, role, 'second factor', from);
	throw new AppError('BAD_SECOND_FACTOR');
}

/** Somebody active who belongs on this side, else null. */
async function findPerson(email: string, role: LoginRole): Promise<Person | null> {
	const user = await db.user.findUnique({
		where: { email, status: 'active' },
		select: {
			...authUser,
			staffRoleId: true,
			credential: { select: { passwordHash: true, totpEnabledAt: true } },
			memberships: {
				where: { customer: { status: { not: 'deleted' } } },
				orderBy: { createdAt: 'asc' },
				select: { customerId: true }
			},
			sessions: {
				where: { side: 'customer' },
				orderBy: { lastSeenAt: 'desc' },
				take: 1,
				select: { customerId: true }
			}
		}
	});
	if (!user) return null;
	const { staffRoleId, credential, memberships, sessions, ...found } = user;
	const person = {
		user: found,
		passwordHash: credential?.passwordHash ?? null,
		secondFactor: Boolean(credential?.totpEnabledAt)
	};
	if (role === 'admin') return staffRoleId ? { ...person, customerId: null } : null;
	// The company of the last visit, as long as the person still belongs to it.
	const last = memberships.find(({ customerId }) => customerId === sessions[0]?.customerId);
	const customerId = (last ?? memberships[0])?.customerId ?? (await waitingCustomer(db, email));
	return customerId ? { ...person, customerId } : null;
}

async function openSession(
	person: Person,
	email: string,
	role: LoginRole,
	from: Origin
): Promise<LoggedIn> {
	const side = SIDES[role];
	const session = await transaction(async (tx) => {
		if (side === 'customer') await joinOwnCustomers(tx, person.user);
		const made = await createSession(tx, {
			userId: person.user.id,
			side,
			customerId: person.customerId,
			ip: from.ip,
			userAgent: from.userAgent,
			secondFactor: person.secondFactor
		});
		await tx.user.update({
			where: { id: person.user.id },
			data: { lastLoginAt: new Date() },
			select: { id: true }
		});
		await audit(tx, {
			actor: { kind: side === 'staff' ? 'staff' : 'member', id: person.user.id, label: email },
			action: 'identity.login',
			subject: { type: 'session', id: made.id },
			customerId: person.customerId,
			ip: from.ip,
			requestId: from.requestId
		});
		return made;
	});
	const { token, expiresAt } = session;
	const missing = role === 'admin' && !person.secondFactor && (await staffSecondFactorRequired());
	const redirectUrl = missing ? SET_UP_SECOND_FACTOR : HOMES[role];
	return { token, expiresAt, user: person.user, role, redirectUrl };
}

async function noteFailure(
	email: string,
	role: LoginRole,
	wrong: string,
	from: Origin
): Promise<void> {
	await audit(db, {
		actor: { kind: 'visitor', id: null, label: email.slice(0, 200) },
		action: 'identity.login_failed',
		subject: { type: 'login', id: role },
		after: { wrong },
		ip: from.ip,
		requestId: from.requestId
	});
}

async function returnPoints(email: string, from: Origin): Promise<void> {
	await returnPoint('login-address', from.ip);
	await returnPoint('login-account', email);
}
