/**
 * What stands between us and a tunnel's cloudflared. Of our own: `no_host` nobody said where it runs, `no_key` this
 * installation has no SSH key, `other_tunnel` the file there is another tunnel's. The rest is what the way there says.
 */
export const TROUBLES = [
	'no_host',
	'no_key',
	'other_tunnel',
	'unreachable',
	'untrusted',
	'unauthorized',
	'timeout',
	'lost',
	'not_here',
	'not_running',
	'not_installed',
	'no_unit',
	'no_config',
	'malformed',
	'refused',
	'not_started',
	'down',
	'changed',
	'failed'
] as const;
export type Trouble = (typeof TROUBLES)[number];

export function isTrouble(text: string | null): text is Trouble {
	return TROUBLES.some((one) => one === text);
}

/** Of these the host itself has answered. */
export const ANSWERED: ReadonlySet<Trouble> = new Set([
	'other_tunnel',
	'not_installed',
	'no_unit',
	'no_config',
	'malformed',
	'refused',
	'not_started',
	'down',
	'changed',
	'failed'
]);
