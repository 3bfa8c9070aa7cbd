import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { decrypt, encrypt, isStale, randomPassword, sign, unsign } from './crypto.server.ts';

afterEach(() => vi.unstubAllEnvs());

describe('a secret at rest', () => {
	it('reads back with its own context alone', () => {
		const envelope = encrypt('hunter2 ñ', 'node:1:api_token');
		expect(decrypt(envelope, 'node:1:api_token')).toBe('hunter2 ñ');
		expect(() => decrypt(envelope, 'node:2:api_token')).toThrow();
	});

	it('never looks the same twice and does not show its text', () => {
		const [first, second] = [encrypt('hunter2', 'a'), encrypt('hunter2', 'a')];
		expect(first).not.toBe(second);
		expect(first).not.toContain(Buffer.from('hunter2').toString('base64url'));
	});

	it('is refused when a byte was changed', () => {
		const parts = encrypt('hunter2', 'a').split('.');
		parts[4] = Buffer.from('other').toString('base64url');
		expect(() => decrypt(parts.join('.'), 'a')).toThrow();
		expect(() => decrypt('nonsense', 'a')).toThrow('not a secret envelope');
	});

	it('survives a new key while the old one is named, and says that it is stale', async () => {
		const old = encrypt('hunter2', 'a');
		vi.stubEnv('SECRETS_KEY_PREVIOUS', process.env.SECRETS_KEY!);
		vi.stubEnv('SECRETS_KEY', randomBytes(32).toString('base64'));
		vi.resetModules();
		const rotated = await import('./crypto.server.ts');
		expect(rotated.decrypt(old, 'a')).toBe('hunter2');
		expect(rotated.isStale(old)).toBe(true);
		expect(rotated.isStale(rotated.encrypt('hunter2', 'a'))).toBe(false);
	});

	it('is current right after it was written', () => {
		expect(isStale(encrypt('x', 'a'))).toBe(false);
	});
});

describe('a signed value', () => {
	it('comes back for its own purpose alone', () => {
		const signed = sign('42', 'signup');
		expect(unsign(signed, 'signup')).toBe('42');
		expect(unsign(signed, 'payment-link')).toBeNull();
	});

	it.each(['', '42', '42.', '.x', '43.' + 'A'.repeat(43)])("%j is nobody's", (forged) => {
		expect(unsign(forged, 'signup')).toBeNull();
	});
});

describe('a random password', () => {
	it('has the asked length and no letters that look alike', () => {
		for (const length of [8, 20, 64])
			expect(randomPassword(length)).toMatch(new RegExp(`^[A-HJ-NP-Za-km-z2-9]{${length}}$`));
		expect(randomPassword()).not.toBe(randomPassword());
	});
});
