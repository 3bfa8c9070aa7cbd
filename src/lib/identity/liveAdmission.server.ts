import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { env } from '#lib/core/env.server.ts';
import type { Auth } from './auth.ts';
import { clientAddress } from './clientAddress.server.ts';
import { requestCookie, sessionCookie } from './cookies.server.ts';
import type { Guarded } from './guard.server.ts';
import { resolveSession } from './sessions.server.ts';

/** Where sockets are opened. */
export const LIVE_PATH = '/live';

/** Of one address without a login, and of one person with one, in this process. */
export const SOCKETS_PER_ADDRESS = 20;
export const SOCKETS_PER_PERSON = 50;

/** Who opened a socket, as a guard wants to see it. */
export interface LiveEvent extends Guarded {
	/** Value of the session cookie; undefined for a visitor. */
	sessionToken: string | undefined;
}

/** A request that may not become a socket: HTTP status and its text. */
export class UpgradeRefused extends Error {
	override name = 'UpgradeRefused';
	readonly status: number;

	constructor(status: number, reason: string) {
		super(reason);
		this.status = status;
	}
}

/**
 * Reads what a request for a socket says about itself, without asking the database.
 * @param path where this kind of socket is opened
 * @throws {UpgradeRefused} 404 on another path; 403 for a page of another origin: browsers send our cookies along with its
 * socket, and no preflight asks us
 */
export function readUpgrade(request: IncomingMessage, path = LIVE_PATH): LiveEvent {
	const { origin } = new URL(env.ORIGIN);
	const asking = request.url ?? '/';
	if (!URL.canParse(asking, origin)) throw new UpgradeRefused(400, 'Bad Request');
	const url = new URL(asking, origin);
	if (url.pathname !== path) throw new UpgradeRefused(404, 'Not Found');
	if (request.headers.origin !== origin) throw new UpgradeRefused(403, 'Forbidden');

	const headers = new Headers();
	for (const [name, value] of Object.entries(request.headers)) {
		if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
	}
	const asked = new Request(new URL(url.pathname, origin), { headers });
	return {
		url,
		request: asked,
		sessionToken: requestCookie(asked, sessionCookie()),
		locals: {
			requestId: randomUUID(),
			ip: clientAddress(request.socket.remoteAddress ?? '', headers.get('x-forwarded-for')),
			locale: 'es',
			auth: null
		}
	};
}

/**
 * Asks again who holds the session, as the hook does for each request.
 * @returns false when a session that was there has ended
 */
export async function refreshAuth(event: LiveEvent): Promise<boolean> {
	const before = event.locals.auth;
	const resolved = event.sessionToken
		? await resolveSession(event.sessionToken, { slide: false })
		: null;
	event.locals.auth = resolved?.auth ?? null;
	return before === null || event.locals.auth !== null;
}

/** What the limits count by, and how many it may have. */
export function limitOf(event: LiveEvent, auth: Auth | null): { key: string; most: number } {
	return auth
		? { key: `user:${auth.user.id}`, most: SOCKETS_PER_PERSON }
		: { key: `ip:${event.locals.ip}`, most: SOCKETS_PER_ADDRESS };
}
