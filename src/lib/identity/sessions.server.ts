import { DAY, HOUR, after } from '#lib/core/clock.server.ts';
import { type Tx, db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { actorOf } from './actor.server.ts';
import type { Auth, AuthUser } from './auth.ts';
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
	const session = await db.session.findUnique({
		where: { id: given.id },
		include: {
			user: {
				select: {
					...authUser,
					status: true,
					staffRole: { select: { key: true, permissions: true } },
					credential: { select: { totpEnabledAt: true } }
				}
			}
		}
	});
	const at = new Date();
	if (!session || !sameSecret(given, session.secretHash) || session.expiresAt <= at) return null;
	if (session.user.status !== 'active') return null;

	const { staffRole, credential, status: _, ...user } = session.user;
	const { id, stepUpAt, createdAt, expiresAt } = session;
	const common = { user, session: { id, stepUpAt, createdAt, expiresAt }, token: null };
	let auth: Auth | null = null;
	if (session.side === 'staff' && staffRole) {
		auth = {
			...common,
			side: 'staff',
			role: staffRole.key,
			permissions: new Set(staffRole.permissions.filter(isStaffPermission)),
			customer: null,
			secondFactorMissing: !credential?.totpEnabledAt && (await staffSecondFactorRequired())
		};
	} else if (session.side === 'customer' && session.customerId) {
		auth = await memberAuth(user, session.customerId, common);
	}
	if (!auth) return null;
	const due = mayGoOn && at.getTime() - session.lastSeenAt.getTime() >= SLIDE_EVERY;
	return { auth, slidTo: due ? await slide(id, session.side, at) : null };
}

/** What a person may do for one company; null when it is none of theirs. */
export async function memberAuth(
	user: AuthUser,
	customerId: string,
	credentials: Pick<Auth, 'session' | 'token'>
): Promise<Extract<Auth, { side: 'customer' }> | null> {
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
	if (!membership) return null;
	const { role, customer } = membership;
	return {
		...credentials,
		user,
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
