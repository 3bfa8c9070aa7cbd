import type { Cookies } from '@sveltejs/kit';
import { sign, unsign } from '#lib/core/crypto.server.ts';
import { env } from '#lib/core/env.server.ts';
import { requestCookie } from '../identity/cookies.server.ts';

const LASTS = 7 * 24 * 60 * 60;
const PURPOSE = 'signup';

function name(): string {
	return env.ORIGIN.startsWith('https:') ? '__Host-signup' : 'signup';
}

/** The signup that this browser began: its cookie is what opens /success and its live notices. */
export function signupOf(cookies: Pick<Cookies, 'get'>): string | null {
	const value = cookies.get(name());
	return value ? unsign(value, PURPOSE) : null;
}

/** The same of a request that is no SvelteKit event: an upgrade to WebSocket. */
export function signupOfRequest(request: Request): string | null {
	const value = requestCookie(request, name());
	return value ? unsign(value, PURPOSE) : null;
}

export function rememberSignup(cookies: Pick<Cookies, 'set'>, signupId: string): void {
	cookies.set(name(), sign(signupId, PURPOSE), {
		path: '/',
		httpOnly: true,
		secure: env.ORIGIN.startsWith('https:'),
		sameSite: 'lax',
		maxAge: LASTS
	});
}
