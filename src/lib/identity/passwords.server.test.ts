import { describe, expect, it } from 'vitest';
import { checkPassword, hashPassword, passwordProblem } from './passwords.server.ts';

describe('a new password', () => {
	it.each([
		['corta', []],
		['once letras', []],
		['x'.repeat(201), []],
		['password1234', []],
		['Contraseña2026!', []],
		['P4ssw0rd!!!!', []],
		['administrador1', []],
		['111111111111', []],
		['abcabcabcabc', []],
		['123456789012', []],
		['qwertyuiop12', []],
		['ana.perez.2026', ['ana.perez@acme.com', 'Ana Pérez']],
		['acme-sociedad', ['ana@acme-sociedad.com']]
	])('is refused: %s', (password, about) => {
		expect(passwordProblem(password, about)).toEqual(expect.any(String));
	});

	it.each([
		'cuatro palabras al azar',
		'Kj3#mZ9!qLp2',
		'correct horse battery staple',
		'perro azul come 17 tejas',
		'ñandú feliz y libre'
	])('is accepted: %s', (password) => {
		expect(passwordProblem(password, ['ana@acme.com', 'Ana Pérez'])).toBeNull();
	});
});

describe('checking', () => {
	it('tells right from wrong, however the accents were typed', async () => {
		const stored = await hashPassword('ñandú feliz y libre');
		expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
		expect(await checkPassword(stored, 'n\u0303andu\u0301 feliz y libre')).toBe(true);
		expect(await checkPassword(stored, 'otra cosa distinta')).toBe(false);
	});

	it('says no without a stored hash, also to the words behind the dummy', async () => {
		expect(await checkPassword(null, 'nobody has this password')).toBe(false);
		expect(await checkPassword(undefined, '')).toBe(false);
	});
});
