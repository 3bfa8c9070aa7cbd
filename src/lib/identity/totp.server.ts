import { createTOTPKeyURI, verifyHOTP } from '@oslojs/otp';
import { encodeBase32NoPadding } from '@oslojs/encoding';
import { renderSVG } from 'uqr';
import { decrypt, encrypt, sha256 } from '#lib/core/crypto.server.ts';
import { type Tx, db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { actorOf } from './actor.server.ts';
import type { Auth } from './auth.ts';
import { newBearer } from './bearer.server.ts';
import type { Origin } from './login.server.ts';
import { tellOwner } from './securityMails.server.ts';
import { revokeSessions } from './sessions.server.ts';

// What every authenticator application takes for granted (RFC 6238): SHA-1, six digits, thirty seconds.
const STEP_SECONDS = 30;
const DIGITS = 6;
const RECOVERY_CODES = 10;

export interface Enrolment {
	/** `otpauth://…` for the application. */
	uri: string;
	/** The key in base32, to be typed where no camera is. */
	key: string;
	/** The QR code as a `data:` URI of an SVG. */
	qr: string;
}

/**
 * The key to put into the application; enabled by `enableTotp` with a first code. A key that was begun and not enabled
 * is kept, so that reloading the page does not spoil the scan.
 * @throws {AppError} WRONG_STATE when a second factor is enabled already
 */
export async function beginTotp(auth: Auth): Promise<Enrolment> {
	const { id, email } = auth.user;
	const known = await db.userCredential.findUnique({ where: { userId: id } });
	if (known?.totpEnabledAt) throw new AppError('WRONG_STATE', { params: { from: 'on', to: 'on' } });
	let secret = known?.totpSecret ? openKey(id, known.totpSecret) : null;
	if (!secret) {
		secret = crypto.getRandomValues(new Uint8Array(20));
		const totpSecret = encrypt(Buffer.from(secret).toString('base64'), context(id));
		await db.userCredential.upsert({
			where: { userId: id },
			create: { userId: id, totpSecret },
			update: { totpSecret }
		});
	}
	const uri = createTOTPKeyURI(m.app_name(), email, secret, STEP_SECONDS, DIGITS);
	const svg = renderSVG(uri, { border: 2 });
	return {
		uri,
		key: encodeBase32NoPadding(secret),
		qr: `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
	};
}

/**
 * Enables the begun second factor, ends the person's other sessions, and gives the recovery codes, once.
 * @throws {AppError} BAD_SECOND_FACTOR
 */
export async function enableTotp(
	tx: Tx,
	auth: Auth,
	code: string,
	from: Origin
): Promise<string[]> {
	const userId = auth.user.id;
	const credential = await tx.userCredential.findUnique({ where: { userId } });
	if (!credential?.totpSecret || credential.totpEnabledAt) throw new AppError('BAD_SECOND_FACTOR');
	const step = matchingStep(openKey(userId, credential.totpSecret), code, credential.totpLastStep);
	if (step === null) throw new AppError('BAD_SECOND_FACTOR');
	await tx.userCredential.update({
		where: { userId },
		data: { totpEnabledAt: new Date(), totpLastStep: step }
	});
	if (auth.session) {
		await tx.session.update({
			where: { id: auth.session.id },
			data: { secondFactorAt: new Date() }
		});
	}
	await revokeSessions(tx, userId, auth.session?.id);
	await audit(tx, {
		actor: actorOf(auth),
		action: 'identity.enable_second_factor',
		subject: { type: 'user', id: userId },
		ip: from.ip,
		requestId: from.requestId
	});
	await tellOwner(tx, userId, { event: 'second_factor_enabled', from, key: `${step}` });
	return newRecoveryCodes(tx, userId);
}

/** Gives up a key that was begun and never enabled. */
export async function forgetBegunTotp(auth: Auth): Promise<void> {
	await db.userCredential.updateMany({
		where: { userId: auth.user.id, totpEnabledAt: null },
		data: { totpSecret: null }
	});
}

/** Removes the second factor and its recovery codes. Its caller asked for a step-up. */
export async function disableTotp(tx: Tx, auth: Auth, from: Origin): Promise<void> {
	const userId = auth.user.id;
	const { count } = await tx.userCredential.updateMany({
		where: { userId, totpEnabledAt: { not: null } },
		data: { totpSecret: null, totpEnabledAt: null, totpLastStep: null }
	});
	if (count === 0) return;
	await tx.recoveryCode.deleteMany({ where: { userId } });
	await audit(tx, {
		actor: actorOf(auth),
		action: 'identity.disable_second_factor',
		subject: { type: 'user', id: userId },
		ip: from.ip,
		requestId: from.requestId
	});
	const key = new Date().toISOString();
	await tellOwner(tx, userId, { event: 'second_factor_disabled', from, key });
}

/** Replaces all recovery codes. */
export async function renewRecoveryCodes(tx: Tx, auth: Auth, from: Origin): Promise<string[]> {
	await audit(tx, {
		actor: actorOf(auth),
		action: 'identity.renew_recovery_codes',
		subject: { type: 'user', id: auth.user.id },
		ip: from.ip,
		requestId: from.requestId
	});
	const key = new Date().toISOString();
	await tellOwner(tx, auth.user.id, { event: 'recovery_codes_renewed', from, key });
	return newRecoveryCodes(tx, auth.user.id);
}

/** True for a current code or an unused recovery code; either works once. Of the latter the owner is told. */
export async function checkSecondFactor(
	tx: Tx,
	userId: string,
	given: string,
	from: Origin
): Promise<boolean> {
	const code = given.replace(/[\s-]/g, '').toLowerCase();
	return /^\d{6}$/.test(code)
		? checkTotp(tx, userId, code)
		: useRecoveryCode(tx, userId, code, from);
}

async function checkTotp(tx: Tx, userId: string, code: string): Promise<boolean> {
	const credential = await tx.userCredential.findUnique({ where: { userId } });
	if (!credential?.totpSecret || !credential.totpEnabledAt) return false;
	const step = matchingStep(openKey(userId, credential.totpSecret), code, credential.totpLastStep);
	if (step === null) return false;
	// Of two requests with the same code one changes the row.
	const { count } = await tx.userCredential.updateMany({
		where: { userId, OR: [{ totpLastStep: null }, { totpLastStep: { lt: step } }] },
		data: { totpLastStep: step }
	});
	return count === 1;
}

/** The step whose code this is: now, or one step off for a clock that is slow or fast; never one that was used. */
function matchingStep(key: Uint8Array, code: string, used: bigint | null): bigint | null {
	const current = BigInt(Math.floor(Date.now() / 1_000 / STEP_SECONDS));
	const given = code.replace(/\s/g, '');
	if (given.length !== DIGITS) return null;
	for (const step of [current, current - 1n, current + 1n]) {
		if ((used === null || step > used) && verifyHOTP(key, step, DIGITS, given)) return step;
	}
	return null;
}

async function useRecoveryCode(
	tx: Tx,
	userId: string,
	code: string,
	from: Origin
): Promise<boolean> {
	const [used] = await tx.recoveryCode.updateManyAndReturn({
		where: { userId, codeHash: recoveryHash(userId, code), usedAt: null },
		data: { usedAt: new Date() },
		select: { id: true }
	});
	if (!used) return false;
	const left = await tx.recoveryCode.count({ where: { userId, usedAt: null } });
	await tellOwner(tx, userId, {
		...{ event: 'recovery_code_used', from, key: used.id, about: String(left) }
	});
	return true;
}

async function newRecoveryCodes(tx: Tx, userId: string): Promise<string[]> {
	// Ten letters hold 50 bits, and the login counts attempts: a fast hash is enough.
	const codes = Array.from({ length: RECOVERY_CODES }, () => newBearer().id.slice(0, 10));
	await tx.recoveryCode.deleteMany({ where: { userId } });
	await tx.recoveryCode.createMany({
		data: codes.map((code) => ({ userId, codeHash: recoveryHash(userId, code) }))
	});
	return codes.map((code) => `${code.slice(0, 5)}-${code.slice(5)}`);
}

function recoveryHash(userId: string, code: string): string {
	return sha256(`${userId}:${code}`).toString('hex');
}

function openKey(userId: string, envelope: string): Uint8Array {
	return new Uint8Array(Buffer.from(decrypt(envelope, context(userId)), 'base64'));
}

function context(userId: string): string {
	return `user:${userId}:totp`;
}
