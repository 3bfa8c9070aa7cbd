import { DAY, HOUR, after } from '#lib/core/clock.server.ts';
import { type Tx, db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { actorOf } from './actor.server.ts';
import type { Auth, AuthSession, AuthUser, CustomerAuth } from './auth.ts';
import { newBearer, readBearer, sameSecret } from './bearer.server.ts';
import { isStaffPermission, readGrants } from './permissions.ts';
import { staffSecondFactorRequired } from './secondFactor.server.ts';

export type Side = 'staff' | 'customer';

/** How long a session lives without a visit. Wall-clock time: the sandbox's clock may play months in minutes. */
const IDLE: Record<Side, number> = { staff: 12 * HOUR, customer: 30 * DAY };
/** A visit moves the end at most this often, so that reading a page is not always a write. */
const SLIDE_EVERY = HOUR;

export interface NewSession {
	userId: string;
	side: Side;
	customerId: string | null;
	ip: string;
	userAgent: string | null;
	/** The second factor was given. */
	secondFactor: boolean;
}

/** @returns the cookie's value, which nothing can tell again */
export async function createSession(
	tx: Tx,
	made: NewSession
): Promise<{ id: string; token: string; expiresAt: Date }> {
	const { id, token, secretHash } = newBearer();
	const at = new Date();
	const expiresAt = after(at, IDLE[made.side]);
	const { secondFactor, userAgent, ...session } = made;
	await tx.session.create({
		data: {
			...session,
			id,
			secretHash,
			userAgent: userAgent?.slice(0, 300) ?? null,
			secondFactorAt: secondFactor ? at : null,
			// Who just logged in has just proved it.
			stepUpAt: at,
			createdAt: at,
			lastSeenAt: at,
			expiresAt
		}
	});
	return { id, token, expiresAt };
}

export const authUser = {
	id: true,
	email: true,
	fullName: true,
	locale: true,
	timezone: true
} as const;

/**
 * Who holds this cookie, with what they may do now; null when the session ended, the person was disabled or lost the
 * role. `slidTo` is the new end when this visit moved it.
 * @param options slide false: looking is no visit, so that an open socket keeps no forgotten session alive
 */
export async function resolveSession(
	token: string | undefined,
	{ slide: mayGoOn = true } = {}
): Promise<{ auth: Auth; slidTo: Date | null } | null> {
	const given = readBearer(token);
	if (!given) return null;
	const held = await readSession(given.id);
	const at = new Date();
	if (!held || !sameSecret(given, held.secretHash) || held.expiresAt <= at) return null;
	if (held.status !== 'active') return null;

	const { side, userId, email, fullName, locale, timezone, role, customer } = held;
	const { id, stepUpAt, createdAt, expiresAt } = held;
	const user = { id: userId, email, fullName, locale, timezone };
	const common = { user, session: { id, stepUpAt, createdAt, expiresAt }, token: null };
	let auth: Auth | null = null;
	if (side === 'staff' && role) {
		auth = {
			...common,
			side,
			role: role.key,
			permissions: new Set(role.permissions.filter(isStaffPermission)),
			customer: null,
			secondFactorMissing: !held.totpEnabledAt && (await staffSecondFactorRequired())
		};
	} else if (side === 'customer' && role && customer) {
		auth = memberOf({ role, customer }, common);
	}
	if (!auth) return null;
	const due = mayGoOn && at.getTime() - held.lastSeenAt.getTime() >= SLIDE_EVERY;
	return { auth, slidTo: due ? await slide(id, side, at) : null };
}

interface Membership {
	role: { key: string; permissions: string[] };
	customer: CustomerAuth['customer'];
}

interface HeldSession extends AuthSession, Omit<AuthUser, 'id'> {
	secretHash: Uint8Array;
	side: Side;
	lastSeenAt: Date;
	userId: string;
	/** Of the person. */
	status: string;
	totpEnabledAt: Date | null;
	/** Of staff their own, of a member the one at the company; null when it was taken away. */
	role: Membership['role'] | null;
	/** The company that the session works for, while the person is its member and it is not deleted. */
	customer: Membership['customer'] | null;
}

/** All that a request asks of its session in one round trip, which every page waits for. */
async function readSession(id: string): Promise<HeldSession | null> {
	const [row] = await db.$queryRaw<HeldSession[]>`
		SELECT session.id, session.secret_hash AS "secretHash", session.side::text AS side,
			session.step_up_at AS "stepUpAt", session.created_at AS "createdAt",
			session.last_seen_at AS "lastSeenAt", session.expires_at AS "expiresAt",
			person.id AS "userId", person.email, person.full_name AS "fullName", person.locale, person.timezone,
			person.status::text AS status, credential.totp_enabled_at AS "totpEnabledAt",
			CASE WHEN role.id IS NOT NULL
				THEN jsonb_build_object('key', role.key, 'permissions', role.permissions) END AS role,
			CASE WHEN customer.id IS NOT NULL
				THEN jsonb_build_object('id', customer.id, 'companyName', customer.company_name) END AS customer
		FROM sessions AS session
		JOIN users AS person ON person.id = session.user_id
		LEFT JOIN user_credentials AS credential ON credential.user_id = person.id
		LEFT JOIN memberships AS membership ON session.side = 'customer'
			AND membership.user_id = person.id AND membership.customer_id = session.customer_id
		LEFT JOIN customers AS customer ON customer.id = membership.customer_id AND customer.status <> 'deleted'
		LEFT JOIN roles AS role
			ON role.id = CASE session.side WHEN 'staff' THEN person.staff_role_id ELSE membership.role_id END
		WHERE session.id = ${id}`;
	return row ?? null;
}

/** What a person may do for one company; null when it is none of theirs. */
export async function memberAuth(
	user: AuthUser,
	customerId: string,
	credentials: Pick<Auth, 'session' | 'token'>
): Promise<CustomerAuth | null> {
	const membership = await db.membership.findUnique({
		where: {
			userId_customerId: { userId: user.id, customerId },
			customer: { status: { not: 'deleted' } }
		},
		select: {
			role: { select: { key: true, permissions: true } },
			customer: { select: { id: true, companyName: true } }
		}
	});
	return membership && memberOf(membership, { user, ...credentials });
}

function memberOf(
	{ role, customer }: Membership,
	who: Pick<Auth, 'user' | 'session' | 'token'>
): CustomerAuth {
	return {
		...who,
		side: 'customer',
		role: role.key,
		permissions: readGrants(role.permissions),
		customer,
		secondFactorMissing: false
	};
}

async function slide(id: string, side: Side, at: Date): Promise<Date> {
	const expiresAt = after(at, IDLE[side]);
	await db.session.updateMany({ where: { id }, data: { lastSeenAt: at, expiresAt } });
	return expiresAt;
}

/**
 * Ends one of a person's own sessions; sockets that it opened hear of it.
 * @throws {AppError} NOT_FOUND when it is nobody's or somebody else's
 */
export async function revokeSession(tx: Tx, auth: Auth, sessionId: string): Promise<void> {
	const { count } = await tx.session.deleteMany({ where: { id: sessionId, userId: auth.user.id } });
	if (count === 0) throw new AppError('NOT_FOUND');
	await audit(tx, {
		actor: actorOf(auth),
		action: 'identity.revoke_session',
		subject: { type: 'session', id: sessionId }
	});
	await accessChanged(tx, auth.user.id);
}

/** Ends every session of a person but the given one: after a new password, a new second factor, a lost role. */
export async function revokeSessions(
	tx: Tx,
	userId: string,
	exceptId?: string | null
): Promise<number> {
	const { count } = await tx.session.deleteMany({
		where: { userId, ...(exceptId && { id: { not: exceptId } }) }
	});
	await accessChanged(tx, userId);
	return count;
}

/**
 * The session works for another of the person's companies from now on; forms of the old one are refused.
 * @throws {AppError} NOT_FOUND when the person is no member of it
 */
export async function switchCustomer(tx: Tx, auth: Auth, customerId: string): Promise<void> {
	if (!auth.session || auth.side !== 'customer') throw new AppError('NOT_FOUND');
	const membership = await tx.membership.findFirst({
		where: { userId: auth.user.id, customerId, customer: { status: { not: 'deleted' } } },
		select: { id: true }
	});
	if (!membership) throw new AppError('NOT_FOUND');
	await tx.session.update({ where: { id: auth.session.id }, data: { customerId } });
	await audit(tx, {
		actor: actorOf(auth),
		action: 'identity.switch_customer',
		subject: { type: 'session', id: auth.session.id },
		customerId,
		before: { customerId: auth.customer.id },
		after: { customerId }
	});
	await accessChanged(tx, auth.user.id);
}

/**
 * Says that a person's sessions, role or companies changed: pages that list them load again, and every socket of theirs
 * is asked anew whether it may hear what it hears.
 */
export async function accessChanged(tx: Tx, userId: string): Promise<void> {
	await publish(tx, `user:${userId}`, 'sessions');
	await publish(tx, `access:${userId}`);
}

/** Removes sessions and links that ended; what they did is in the audit log. */
export async function removeEnded(at: Date): Promise<void> {
	await db.session.deleteMany({ where: { expiresAt: { lt: at } } });
	await db.userToken.deleteMany({ where: { expiresAt: { lt: after(at, -30 * DAY) } } });
	await db.idempotencyKey.deleteMany({ where: { createdAt: { lt: after(at, -DAY) } } });
}
