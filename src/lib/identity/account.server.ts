import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { queueMail } from '#lib/notifications/mail.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { actorOf } from './actor.server.ts';
import type { Auth } from './auth.ts';
import { foldEmail } from './email.ts';
import type { Origin } from './login.server.ts';
import { checkPassword, hashPassword, passwordProblem } from './passwords.server.ts';
import { clearPoints, takePoint } from './rateLimits.server.ts';
import { tellOwner } from './securityMails.server.ts';
import { revokeSessions } from './sessions.server.ts';
import { checkSecondFactor } from './totp.server.ts';
import { readUserToken, spendUserToken, voidUserTokens } from './userTokens.server.ts';

/**
 * A dangerous act asks again: for the second factor, or for the password where there is none. Lasts ten minutes.
 * @throws {AppError} BAD_SECOND_FACTOR, BAD_CREDENTIALS, RATE_LIMITED
 */
export async function stepUp(auth: Auth, proof: string, from: Origin): Promise<void> {
	if (!auth.session) throw new AppError('NOT_LOGGED_IN');
	const { id: userId } = auth.user;
	const sessionId = auth.session.id;
	await takePoint('step-up', userId);
	const credential = await db.userCredential.findUnique({ where: { userId } });
	if (credential?.totpEnabledAt) {
		if (!(await transaction((tx) => checkSecondFactor(tx, userId, proof, from))))
			throw new AppError('BAD_SECOND_FACTOR');
	} else if (!(await checkPassword(credential?.passwordHash, proof))) {
		throw new AppError('BAD_CREDENTIALS');
	}
	await clearPoints('step-up', userId);
	await transaction(async (tx) => {
		await tx.session.update({ where: { id: sessionId }, data: { stepUpAt: new Date() } });
		await audit(tx, {
			actor: actorOf(auth),
			action: 'identity.step_up',
			subject: { type: 'session', id: sessionId },
			ip: from.ip,
			requestId: from.requestId
		});
	});
}

/** What `stepUp` will ask this person for. */
export async function stepUpAsksFor(auth: Auth): Promise<'code' | 'password'> {
	const credential = await db.userCredential.findUnique({
		where: { userId: auth.user.id },
		select: { totpEnabledAt: true }
	});
	return credential?.totpEnabledAt ? 'code' : 'password';
}

/**
 * A new password for who knows the old one. Every other session ends.
 * @throws {AppError} BAD_INPUT with the sentence beside `current` or `password`; RATE_LIMITED
 */
export async function changePassword(
	auth: Auth,
	current: string,
	password: string,
	from: Origin
): Promise<void> {
	const { id: userId, email, fullName } = auth.user;
	await takePoint('step-up', userId);
	const credential = await db.userCredential.findUnique({ where: { userId } });
	if (!(await checkPassword(credential?.passwordHash, current))) {
		throw new AppError('BAD_INPUT', { fields: { current: m.security_password_wrong() } });
	}
	refuseWeak(password, [email, fullName]);
	await clearPoints('step-up', userId);
	const passwordHash = await hashPassword(password);
	const passwordSetAt = new Date();
	await transaction(async (tx) => {
		await tx.userCredential.update({ where: { userId }, data: { passwordHash, passwordSetAt } });
		await voidUserTokens(tx, userId);
		await revokeSessions(tx, userId, auth.session?.id);
		await audit(tx, {
			actor: actorOf(auth),
			action: 'identity.change_password',
			subject: { type: 'user', id: userId },
			ip: from.ip,
			requestId: from.requestId
		});
		const key = passwordSetAt.toISOString();
		await tellOwner(tx, userId, { event: 'password_changed', from, key });
	});
}

/**
 * Asks for a link to set a new password. The answer is the same whether anybody has this address, and so is its work:
 * the mail is looked up and written by a job.
 * @throws {AppError} RATE_LIMITED
 */
export async function requestReset(given: string, from: Origin): Promise<void> {
	const email = foldEmail(given);
	await takePoint('reset-address', from.ip);
	await takePoint('reset-account', email);
	await transaction((tx) => enqueue(tx, 'identity.mail-reset', { email }));
}

/** The job behind `requestReset`: mails a link if the address is somebody's. */
export async function mailReset(email: string): Promise<void> {
	const user = await db.user.findUnique({ where: { email, status: 'active' } });
	if (!user) return;
	await transaction((tx) =>
		queueMail(tx, {
			template: 'reset_password',
			userId: user.id,
			to: user.email,
			locale: user.locale,
			data: { name: user.fullName }
		})
	);
}

export interface PasswordLink {
	email: string;
	/** Where the person belongs: staff log in elsewhere. */
	side: 'admin' | 'tenant';
	/** The first password, or a new one. */
	first: boolean;
}

/** Whom a mailed link is for, to greet them. @throws {AppError} LINK_EXPIRED, RATE_LIMITED */
export async function openPasswordLink(
	token: string,
	from: Pick<Origin, 'ip'>
): Promise<PasswordLink> {
	await takePoint('token-address', from.ip);
	const { userId, purpose } = await readUserToken(db, token, ['set_password', 'reset_password']);
	const user = await db.user.findUniqueOrThrow({
		where: { id: userId },
		select: { email: true, staffRoleId: true }
	});
	return {
		email: user.email,
		side: user.staffRoleId ? 'admin' : 'tenant',
		first: purpose === 'set_password'
	};
}

/**
 * Sets the password by a mailed link, which proves the address. Ends all sessions and voids all other links; a second
 * factor stays and is asked for at the login that follows.
 * @throws {AppError} LINK_EXPIRED; BAD_INPUT with the sentence beside `password`
 */
export async function setPasswordByLink(
	token: string,
	password: string,
	from: Origin
): Promise<PasswordLink> {
	const { id, userId, purpose } = await readUserToken(db, token, [
		'set_password',
		'reset_password'
	]);
	const user = await db.user.findUniqueOrThrow({
		where: { id: userId },
		include: { credential: { select: { passwordHash: true } } }
	});
	refuseWeak(password, [user.email, user.fullName]);
	const passwordHash = await hashPassword(password);
	const passwordSetAt = new Date();
	await transaction(async (tx) => {
		await spendUserToken(tx, id);
		await voidUserTokens(tx, userId);
		await tx.userCredential.upsert({
			where: { userId },
			create: { userId, passwordHash, passwordSetAt },
			update: { passwordHash, passwordSetAt }
		});
		await tx.user.update({
			where: { id: userId },
			data: { emailVerifiedAt: user.emailVerifiedAt ?? passwordSetAt }
		});
		await revokeSessions(tx, userId);
		await audit(tx, {
			actor: { kind: user.staffRoleId ? 'staff' : 'member', id: userId, label: user.email },
			action: `identity.${purpose}`,
			subject: { type: 'user', id: userId },
			ip: from.ip,
			requestId: from.requestId
		});
		// Of a first password its owner knows: there was no account to take over.
		if (user.credential?.passwordHash)
			await tellOwner(tx, userId, { event: 'password_reset', from, key: id });
	});
	await clearPoints('login-account', user.email);
	return {
		email: user.email,
		side: user.staffRoleId ? 'admin' : 'tenant',
		first: purpose === 'set_password'
	};
}

function refuseWeak(password: string, about: string[]): void {
	const problem = passwordProblem(password, about);
	if (problem) throw new AppError('BAD_INPUT', { fields: { password: problem } });
}
