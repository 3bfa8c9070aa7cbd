import {
	createCipheriv,
	createDecipheriv,
	createHash,
	createHmac,
	hkdfSync,
	randomBytes,
	timingSafeEqual
} from 'node:crypto';
import { env } from './env.server.ts';

/**
 * Encrypts a secret for the database: AES-256-GCM, `v1.<key id>.<iv>.<tag>.<ciphertext>` in base64url.
 * @param context binds the envelope to its row (`user:<id>:totp`), so that it cannot be moved to another
 */
export function encrypt(plaintext: string, context: string): string {
	const key = keys()[0]!;
	const iv = randomBytes(12);
	const cipher = createCipheriv('aes-256-gcm', key.bytes, iv).setAAD(Buffer.from(context));
	const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
	return [
		'v1',
		key.id,
		...[iv, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url'))
	].join('.');
}

/** @throws {Error} when the key is unknown, the context differs or the envelope was changed */
export function decrypt(envelope: string, context: string): string {
	const [version, keyId, iv, tag, sealed] = envelope.split('.');
	if (version !== 'v1' || !keyId || !iv || !tag || sealed === undefined)
		throw new Error('not a secret envelope');
	const key = keys().find((candidate) => candidate.id === keyId);
	if (!key)
		throw new Error(
			`secret was encrypted with key ${keyId}, which is neither SECRETS_KEY nor in SECRETS_KEY_PREVIOUS`
		);
	const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(iv, 'base64url'))
		.setAAD(Buffer.from(context))
		.setAuthTag(Buffer.from(tag, 'base64url'));
	return Buffer.concat([
		decipher.update(Buffer.from(sealed, 'base64url')),
		decipher.final()
	]).toString('utf8');
}

/** True when the envelope should be encrypted anew with the current key. */
export function isStale(envelope: string): boolean {
	return envelope.split('.')[1] !== keys()[0]!.id;
}

/** `value.signature`, for cookies that carry no session: who holds it got it from us. */
export function sign(value: string, purpose: string): string {
	return `${value}.${signature(value, purpose, keys()[0]!.bytes)}`;
}

/** The value of a signed string, or null when nobody here signed it for this purpose. */
export function unsign(signed: string, purpose: string): string | null {
	const cut = signed.lastIndexOf('.');
	if (cut < 1) return null;
	const value = signed.slice(0, cut);
	const given = Buffer.from(signed.slice(cut + 1));
	const matches = keys().some(({ bytes }) => {
		const expected = Buffer.from(signature(value, purpose, bytes));
		return expected.length === given.length && timingSafeEqual(expected, given);
	});
	return matches ? value : null;
}

export function sha256(data: string | Uint8Array): Buffer {
	return createHash('sha256').update(data).digest();
}

/** A random password of `length` letters and digits that cannot be mistaken for each other. */
export function randomPassword(length = 20): string {
	const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
	const bytes = randomBytes(length * 2);
	let password = '';
	for (const byte of bytes) {
		// Bytes past the last whole multiple would make the first letters likelier.
		if (byte >= 256 - (256 % alphabet.length)) continue;
		password += alphabet[byte % alphabet.length];
		if (password.length === length) return password;
	}
	return password + randomPassword(length - password.length);
}

function signature(value: string, purpose: string, key: Buffer): string {
	const derived = Buffer.from(hkdfSync('sha256', key, '', `sign:${purpose}`, 32));
	return createHmac('sha256', derived).update(value).digest('base64url');
}

function keys(): { id: string; bytes: Buffer }[] {
	return [env.SECRETS_KEY, ...env.SECRETS_KEY_PREVIOUS].map((encoded) => {
		const bytes = Buffer.from(encoded, 'base64');
		return { id: sha256(bytes).toString('hex').slice(0, 8), bytes };
	});
}
