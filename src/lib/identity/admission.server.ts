import { type RequestEvent, redirect } from '@sveltejs/kit';
import { AppError } from '#lib/core/errors.ts';
import { resolveApiToken } from './apiTokens.server.ts';
import type { Auth } from './auth.ts';
import { clearSessionCookie, sessionCookie, setSessionCookie } from './cookies.server.ts';
import { isApi, isStaffPath, requireUser } from './guard.server.ts';
import { isPublicRoute } from './publicRoutes.ts';
import { resolveSession } from './sessions.server.ts';

const UNSAFE = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** Bytes of any body at most; the API's own limit is lower. The adapter cuts bodies that do not say their length. */
const BODY_LIMIT = 512 * 1024;
/** Where files are taken in, and how large a form with one may be. `BODY_SIZE_LIMIT` of src/server.ts is the largest. */
const UPLOADS: Record<string, number> = { '/admin/customers/imports': 2_200 * 1024 };

/** @throws {AppError} TOO_LARGE */
export function refuseLargeBody(request: Request): void {
	const limit = UPLOADS[new URL(request.url).pathname] ?? BODY_LIMIT;
	if (Number(request.headers.get('content-length') ?? 0) > limit) throw new AppError('TOO_LARGE');
}

/**
 * Refuses changes that another site makes a browser send. Browsers say where a change comes from; a client that says
 * nothing is none, and nobody else's cookies are in it. Tenants under our domain are another origin, though the same site.
 * @throws {AppError} BAD_ORIGIN
 */
export function refuseForeignOrigin(event: Pick<RequestEvent, 'request' | 'url'>): void {
	const { request, url } = event;
	if (!UNSAFE.has(request.method) || url.pathname.startsWith('/webhooks/')) return;
	const origin = request.headers.get('origin');
	const site = request.headers.get('sec-fetch-site');
	if (origin !== null && origin !== url.origin)
		throw new AppError('BAD_ORIGIN', { detail: `from ${origin}` });
	if (origin === null && site !== null && site !== 'same-origin' && site !== 'none')
		throw new AppError('BAD_ORIGIN');
}

/** Who asks: by Bearer token in the API, else by the session cookie; null for a visitor. */
export async function authenticate(event: RequestEvent): Promise<Auth | null> {
	const authorization = event.request.headers.get('authorization');
	if (authorization && event.url.pathname.startsWith('/api/')) {
		const [scheme, token] = authorization.split(' ');
		const auth = scheme?.toLowerCase() === 'bearer' && token ? await resolveApiToken(token) : null;
		// A wrong token never falls back to a cookie.
		if (!auth)
			throw new AppError('NOT_LOGGED_IN', { detail: 'the token is unknown, revoked or expired' });
		return auth;
	}
	const cookie = event.cookies.get(sessionCookie());
	if (!cookie) return null;
	const resolved = await resolveSession(cookie);
	if (!resolved) clearSessionCookie(event.cookies);
	else if (resolved.slidTo) setSessionCookie(event.cookies, cookie, resolved.slidTo);
	return resolved?.auth ?? null;
}

/**
 * Denies by default: what is not listed as public needs a session of its side, whether or not the route has a guard.
 * @throws redirect to the login, NOT_LOGGED_IN in the API, NOT_FOUND on the other side's pages
 */
export function admit(event: RequestEvent): void {
	const routeId = event.route.id;
	// No such route: SvelteKit says so by itself, in the API in our words.
	if (routeId === null) {
		if (isApi(event)) throw new AppError('NOT_FOUND');
		return;
	}
	if (isPublicRoute(routeId)) return;
	const auth = requireUser(event);
	const side = isStaffPath(routeId)
		? 'staff'
		: /^\/tenant(\/|$)/.test(routeId)
			? 'customer'
			: auth.side;
	if (auth.side !== side)
		throw new AppError('NOT_FOUND', { detail: `a session of ${auth.side} on ${routeId}` });
}

/**
 * Forms of the portal carry the company that they were rendered for, as the field `customer_id` or in the action's query:
 * in another tab the person may have switched since.
 * @throws {AppError} CUSTOMER_SWITCHED, also when the form says nothing
 */
export async function refuseOtherCustomer(event: RequestEvent): Promise<void> {
	const { auth } = event.locals;
	if (event.request.method !== 'POST' || !/^\/tenant(\/|$)/.test(event.route.id ?? '')) return;
	if (auth?.side !== 'customer') return;
	const named =
		event.url.searchParams.get('customer_id') ?? (await formField(event.request, 'customer_id'));
	if (named !== auth.customer.id) throw new AppError('CUSTOMER_SWITCHED');
}

async function formField(request: Request, name: string): Promise<string | null> {
	const type = request.headers.get('content-type') ?? '';
	if (!/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(type)) return null;
	const value = (await request.clone().formData()).get(name);
	return typeof value === 'string' ? value : null;
}

/** Where somebody who is logged in already goes instead of the login. @throws redirect */
export function redirectLoggedIn(
	auth: Auth | null,
	side: 'admin' | 'tenant',
	next: string | null
): void {
	if (!auth || auth.secondFactorMissing) return;
	if ((auth.side === 'staff') !== (side === 'admin')) return;
	redirect(303, next ?? (side === 'admin' ? '/admin' : '/tenant/portal'));
}
