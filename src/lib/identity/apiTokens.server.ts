import { MINUTE } from '#lib/core/clock.server.ts';
import { type Tx, db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { type Actor, audit } from '#lib/logs/audit.server.ts';
import type { Auth } from './auth.ts';
import { newBearer, readBearer, sameSecret } from './bearer.server.ts';
import { isStaffPermission, readGrants } from './permissions.ts';
import type { Origin } from './login.server.ts';
import { tellOwner } from './securityMails.server.ts';
import { authUser, memberAuth } from './sessions.server.ts';

export interface NewApiToken {
	/** Whose rights bound the token: it never may more than this person may now. */
	userId: string;
	/** Null: a token of staff. */
	customerId: string | null;
	name: string;
	/** Permissions; `*` for all that the person may. */
	scopes: string[];
	expiresAt: Date | null;
	by: Actor;
	/** From where it is made; of its making the person is told by mail. */
	from: Origin | 'console';
}

/**
 * @returns the token, which nothing can tell again
 * @throws {AppError} BAD_INPUT for a scope that is no permission
 */
export async function createApiToken(
	tx: Tx,
	made: NewApiToken
): Promise<{ id: string; token: string }> {
	const { by, from, ...row } = made;
	const known = (scope: string) =>
		scope === '*' || (made.customerId ? readGrants([scope]).size > 0 : isStaffPermission(scope));
	const unknown = made.scopes.filter((scope) => !known(scope));
	if (unknown.length > 0 || made.scopes.length === 0) {
		throw new AppError('BAD_INPUT', {
			fields: { scopes: unknown.join(', ') },
			detail: `no such scopes: ${unknown}`
		});
	}
	const { id, token, secretHash } = newBearer();
	await tx.apiToken.create({ data: { ...row, id, secretHash, createdById: by.id } });
	await audit(tx, {
		actor: by,
		action: 'identity.create_token',
		subject: { type: 'api_token', id },
		customerId: made.customerId,
		after: { name: made.name, scopes: made.scopes, expiresAt: made.expiresAt },
		...(from !== 'console' && { ip: from.ip, requestId: from.requestId })
	});
	await tellOwner(tx, made.userId, { event: 'token_created', from, key: id, about: made.name });
	return { id, token };
}

/** Who a Bearer token speaks for, with the permissions that both its scopes and the person's role allow; else null. */
export async function resolveApiToken(presented: string): Promise<Auth | null> {
	const given = readBearer(presented);
	if (!given) return null;
	const stored = await db.apiToken.findUnique({ where: { id: given.id } });
	const at = new Date();
	if (!stored?.userId || !sameSecret(given, stored.secretHash) || stored.revokedAt) return null;
	if (stored.expiresAt && stored.expiresAt <= at) return null;
	const found = await db.user.findUnique({
		where: { id: stored.userId, status: 'active' },
		select: { ...authUser, staffRole: { select: { key: true, permissions: true } } }
	});
	if (!found) return null;
	if (!stored.lastUsedAt || at.getTime() - stored.lastUsedAt.getTime() > MINUTE) {
		await db.apiToken.updateMany({ where: { id: stored.id }, data: { lastUsedAt: at } });
	}

	const { staffRole, ...user } = found;
	const credentials = { session: null, token: { id: stored.id, name: stored.name } };
	const allowed = (permission: string) =>
		stored.scopes.includes('*') || stored.scopes.includes(permission);
	if (stored.customerId) {
		const auth = await memberAuth(user, stored.customerId, credentials);
		if (!auth) return null;
		return {
			...auth,
			permissions: new Map([...auth.permissions].filter(([name]) => allowed(name)))
		};
	}
	if (!staffRole) return null;
	const permissions = new Set(staffRole.permissions.filter(isStaffPermission).filter(allowed));
	return {
		...credentials,
		user,
		side: 'staff',
		role: staffRole.key,
		permissions,
		customer: null,
		secondFactorMissing: false
	};
}

/** @throws {AppError} NOT_FOUND when there is none, or it is somebody else's */
export async function revokeApiToken(
	tx: Tx,
	id: string,
	owner: { userId?: string; customerId?: string },
	by: Actor
): Promise<void> {
	const { count } = await tx.apiToken.updateMany({
		where: { id, ...owner, revokedAt: null },
		data: { revokedAt: new Date() }
	});
	if (count === 0) throw new AppError('NOT_FOUND');
	await audit(tx, {
		actor: by,
		action: 'identity.revoke_token',
		subject: { type: 'api_token', id },
		customerId: owner.customerId
	});
}
