import { hash, verify } from '@node-rs/argon2';
import { m } from '#i18n/paraglide/messages.js';

// argon2id (the library's default) with the least that OWASP's password storage cheat sheet allows: 19 MiB, 2 passes.
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

export const PASSWORD_MIN = 12;
/** A longer one would only cost time to hash. */
export const PASSWORD_MAX = 200;

export function hashPassword(password: string): Promise<string> {
	return hash(password.normalize('NFKC'), OPTIONS);
}

let dummy: Promise<string> | undefined;

/**
 * Checks a password. Without a stored hash (unknown person, no password yet) it takes as long and says no, so that the
 * time of the answer does not tell who has an account.
 */
export async function checkPassword(
	stored: string | null | undefined,
	password: string
): Promise<boolean> {
	dummy ??= hashPassword('nobody has this password');
	const matches = await verify(
		stored ?? (await dummy),
		password.slice(0, PASSWORD_MAX).normalize('NFKC')
	);
	return matches && stored !== null && stored !== undefined;
}

/**
 * Why a new password is refused, as a sentence; null when it is good. Length and commonness alone count, as NIST
 * SP 800-63B has it: no rules about kinds of characters.
 * @param about what a guesser tries first: the person's email and name, the company
 */
export function passwordProblem(password: string, about: string[] = []): string | null {
	if ([...password].length < PASSWORD_MIN) return m.field_too_short({ minimum: PASSWORD_MIN });
	if (password.length > PASSWORD_MAX) return m.field_too_long({ maximum: PASSWORD_MAX });
	const plain = simplified(password);
	const personal = about
		.flatMap((text) => text.toLowerCase().split(/[^\p{L}\d]+/u))
		.map(simplified);
	if (personal.some((word) => word.length >= 4 && remainder(plain, word) < 5))
		return m.password_personal();
	if (isPattern(password.toLowerCase())) return m.password_common();
	return COMMON.some((word) => remainder(plain, word) < 5) ? m.password_common() : null;
}

// The stems of the most used passwords in the lists of breaches, in both languages; digits and signs around them add nothing.
const COMMON =
	`password passwort contrasena clave qwerty qwertyuiop asdfgh asdfghjkl zxcvbnm azerty letmein welcome bienvenido
	admin administrator administrador root usuario user test testing prueba login iloveyou teamo tequiero teamomucho
	princess princesa dragon monkey football futbol baseball barcelona realmadrid mexico colombia argentina venezuela
	ecuador dominicana alejandro alexander estrella mariposa corazon superman batman pokemon starwars sunshine shadow
	master freedom whatever trustno secret secreto changeme default temporal cambiar company empresa odoo jeturing sajet`
		.split(/\s+/)
		.map(simplified);

/** Letters as a guesser sees through them: folded, without accents, 4 for a, 0 for o, and nothing that is no letter. */
function simplified(text: string): string {
	const leet: Record<string, string> = {
		'0': 'o',
		'1': 'i',
		'3': 'e',
		'4': 'a',
		'5': 's',
		'7': 't',
		'@': 'a',
		$: 's',
		'!': 'i'
	};
	return text
		.toLowerCase()
		.normalize('NFKD')
		.replace(
			/[013457@$!](?=\p{L})|(?<=\p{L})[013457@$!](?=.*\p{L})/gu,
			(sign) => leet[sign] ?? sign
		)
		.replace(/\P{L}/gu, '');
}

/** Letters that are left when every `word` is taken out. */
function remainder(plain: string, word: string): number {
	return plain.includes(word) ? plain.replaceAll(word, '').length : Infinity;
}

const ROWS = [
	'01234567890123456789',
	'abcdefghijklmnopqrstuvwxyz',
	'qwertyuiopasdfghjklzxcvbnm',
	'1qaz2wsx3edc4rfv5tgb6yhn'
];

/** `111111111111`, `abcabcabcabc`, `123456789012`, `qwertyuiop12`: few turns of few keys. */
function isPattern(text: string): boolean {
	if (new Set(text).size < 4) return true;
	for (let period = 1; period <= 4; period++) {
		if (text.slice(period) === text.slice(0, -period)) return true;
	}
	const followed = ROWS.map((row) => row + [...row].reverse().join(''));
	let steps = 0;
	for (let i = 0; i + 1 < text.length; i++) {
		if (followed.some((row) => row.includes(text.slice(i, i + 2)))) steps++;
	}
	return steps >= text.length - 3;
}
