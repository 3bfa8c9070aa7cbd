import { type Tx, lock } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { actorOf } from './actor.server.ts';
import type { Auth } from './auth.ts';
import { foldEmail } from './email.ts';
import type { Origin } from './login.server.ts';
import { tellOwner } from './securityMails.server.ts';
import { revokeSessions } from './sessions.server.ts';
import { voidUserTokens } from './userTokens.server.ts';

/**
 * Staff end every session of a person, who is told of it by mail.
 * @returns how many were open
 * @throws {AppError} NOT_FOUND
 */
export async function endSessions(tx: Tx, userId: string, by: Auth, from: Origin): Promise<number> {
	await personOf(tx, userId);
	const ended = await revokeSessions(tx, userId);
	await audit(tx, {
		actor: actorOf(by),
		action: 'identity.end_sessions',
		subject: { type: 'user', id: userId },
		after: { ended },
		ip: from.ip,
		requestId: from.requestId
	});
	if (ended > 0)
		await tellOwner(tx, userId, { event: 'sessions_ended', from: 'staff', key: from.requestId });
	return ended;
}

/**
 * Staff give a person another address to log in with. The old address is told, since only its owner can object, and so
 * is the new one. Links that were mailed to the old one are void; the new one counts as unproved until it is used.
 * @throws {AppError} NOT_FOUND; FORBIDDEN for the address of staff, unless an administrator asks: whoever has the
 * address can set the password; BAD_INPUT with the sentence beside `email`
 */
export async function changeEmail(
	tx: Tx,
	userId: string,
	given: string,
	by: Auth,
	from: Origin
): Promise<void> {
	const email = foldEmail(given);
	const person = await personOf(tx, userId);
	if (person.staffRoleId && by.role !== 'administrator') throw new AppError('FORBIDDEN');
	if (person.email === email) return;
	await lock(tx, `identity.email:${email}`);
	const taken = await tx.user.findUnique({ where: { email }, select: { id: true } });
	if (taken) throw new AppError('BAD_INPUT', { fields: { email: m.users_email_taken() } });
	const act = {
		...({ event: 'email_changed', from: 'staff', about: email } as const),
		key: from.requestId
	};
	await tellOwner(tx, userId, { ...act, key: `${act.key}:old` });
	await tx.user.update({ where: { id: userId }, data: { email, emailVerifiedAt: null } });
	await tellOwner(tx, userId, { ...act, key: `${act.key}:new` });
	await voidUserTokens(tx, userId);
	await audit(tx, {
		actor: actorOf(by),
		action: 'identity.change_email',
		subject: { type: 'user', id: userId },
		before: { email: person.email },
		after: { email },
		ip: from.ip,
		requestId: from.requestId
	});
}

async function personOf(tx: Tx, id: string) {
	const found = await tx.user.findUnique({
		where: { id },
		select: { email: true, staffRoleId: true }
	});
	if (!found) throw new AppError('NOT_FOUND');
	return found;
}
