import type { Cookies } from '@sveltejs/kit';
import { env } from '#lib/core/env.server.ts';

const isHttps = () => env.ORIGIN.startsWith('https:');

/** `__Host-` binds the cookie to this very host, so that no tenant under our domain can set it; it needs https. */
function cookieName(name: string): string {
	return isHttps() ? `__Host-${name}` : name;
}

export function sessionCookie(): string {
	return cookieName('session');
}

/** Between password and second factor: `side~id.secret`. */
export function challengeCookie(): string {
	return cookieName('second-factor');
}

const common = () => ({ path: '/', httpOnly: true, sameSite: 'lax', secure: isHttps() }) as const;

export function setSessionCookie(cookies: Cookies, token: string, expires: Date): void {
	cookies.set(sessionCookie(), token, { ...common(), expires });
}

export function clearSessionCookie(cookies: Cookies): void {
	cookies.delete(sessionCookie(), common());
}

export function setChallengeCookie(cookies: Cookies, value: string, expires: Date): void {
	cookies.set(challengeCookie(), value, { ...common(), expires });
}

export function clearChallengeCookie(cookies: Cookies): void {
	cookies.delete(challengeCookie(), common());
}

/** One cookie of a request that reached us outside SvelteKit; undefined when it has none of this name. */
export function requestCookie(request: Pick<Request, 'headers'>, name: string): string | undefined {
	for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
		const cut = pair.indexOf('=');
		if (cut < 0 || pair.slice(0, cut).trim() !== name) continue;
		const value = pair
			.slice(cut + 1)
			.trim()
			.replace(/^"(.*)"$/, '$1');
		try {
			return decodeURIComponent(value);
		} catch {
			// No cookie of ours: those decode.
			return undefined;
		}
	}
	return undefined;
}
