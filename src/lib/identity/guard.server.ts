import { redirect, type RequestEvent } from '@sveltejs/kit';
import { MINUTE } from '#lib/core/clock.server.ts';
import type { CustomerScope } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Auth, AuthSession, AuthUser } from './auth.ts';
import type { CustomerPermission, Scope, StaffPermission } from './permissions.ts';

/** What a guard needs of an event, so that loads, actions, handlers and upgrades can all pass theirs. */
export type Guarded = Pick<RequestEvent, 'locals' | 'url' | 'request'>;

export interface Staff {
	user: AuthUser;
	/** Null for an API token. */
	session: AuthSession | null;
	permissions: ReadonlySet<StaffPermission>;
}

export interface Member {
	user: AuthUser;
	/** Null for an API token. */
	session: AuthSession | null;
	customerId: string;
	/** For `asCustomer`. */
	scope: CustomerScope;
	/** What the person may do in this company, and how far. */
	permissions: ReadonlyMap<CustomerPermission, Scope>;
}

/** How long a step-up lasts. */
export const STEP_UP_LASTS = 10 * MINUTE;

/**
 * First line of what staff alone may do.
 * @throws redirect to the login for a page that nobody is logged in for; NOT_LOGGED_IN in the API; NOT_FOUND for a
 * customer's session, which learns nothing; FORBIDDEN without the permission
 */
export function requireStaff(event: Guarded, permission: StaffPermission): Staff {
	const auth = requireAuth(event, 'admin');
	if (auth.side !== 'staff')
		throw new AppError('NOT_FOUND', { detail: 'a customer on a page of staff' });
	if (!auth.permissions.has(permission))
		throw new AppError('FORBIDDEN', { detail: `lacks ${permission}` });
	return { user: auth.user, session: auth.session, permissions: auth.permissions };
}

/**
 * First line of what members of a customer may do. Every query that follows is scoped by `customerId`.
 * @throws as `requireStaff`, with the sides exchanged
 */
export function requireCustomer(event: Guarded, permission: CustomerPermission): Member {
	const auth = requireAuth(event, 'tenant');
	if (auth.side !== 'customer')
		throw new AppError('NOT_FOUND', { detail: 'staff on a page of customers' });
	if (!auth.permissions.has(permission))
		throw new AppError('FORBIDDEN', { detail: `lacks ${permission}` });
	const customerId = auth.customer.id;
	return {
		user: auth.user,
		session: auth.session,
		customerId,
		scope: { customerId, userId: auth.user.id },
		permissions: auth.permissions
	};
}

/** First line of what concerns any logged-in person alone: its own sessions, its own account. */
export function requireUser(event: Guarded): Auth {
	return requireAuth(event, isStaffPath(event.url.pathname) ? 'admin' : 'tenant');
}

/** First line of what everybody may see: says so on purpose. The route must be in publicRoutes.ts as well. */
export function publicRoute(event: Guarded): Auth | null {
	return event.locals.auth;
}

/**
 * Second line of a dangerous act: the person gave password or second factor within the last ten minutes. An API token
 * passes, since it was made for its scopes by somebody who did.
 * @throws redirect to /login/confirm on pages; STEP_UP_NEEDED in the API
 */
export function requireStepUp(event: Guarded): void {
	const auth = event.locals.auth;
	if (auth && !auth.session) return;
	if (auth && hasSteppedUp(auth)) return;
	if (isApi(event)) throw new AppError('STEP_UP_NEEDED');
	redirect(303, `/login/confirm?next=${encodeURIComponent(returnPath(event))}`);
}

/** For pages that hide or announce the question. */
export function hasSteppedUp(auth: Auth): boolean {
	const at = auth.session?.stepUpAt;
	return at !== null && at !== undefined && Date.now() - at.getTime() < STEP_UP_LASTS;
}

/** Where a person without a session is sent. */
export function loginPath(event: Guarded, side: 'admin' | 'tenant'): string {
	return `/login/${side}?next=${encodeURIComponent(returnPath(event))}`;
}

/** True for what answers machines: envelope instead of pages and redirects. */
export function isApi(event: Pick<RequestEvent, 'url'>): boolean {
	return /^\/(api|webhooks|health|live)(\/|$)/.test(event.url.pathname);
}

export function isStaffPath(pathname: string): boolean {
	return /^\/admin(\/|$)/.test(pathname);
}

/** `next` of a login if it is a path of ours, else null: never a way to another site. */
export function localPath(next: string | null | undefined): string | null {
	// A browser reads "\" as "/" and drops tabs and line ends, so that "/\evil.example" would leave.
	if (!next || !/^\/(?![/\\])[^\\\u0000-\u001f]*$/.test(next) || next.length > 1_000) return null;
	return next;
}

function requireAuth(event: Guarded, side: 'admin' | 'tenant'): Auth {
	const { auth } = event.locals;
	if (auth && !auth.secondFactorMissing) return auth;
	if (isApi(event)) throw new AppError(auth ? 'SECOND_FACTOR_NEEDED' : 'NOT_LOGGED_IN');
	if (auth) redirect(303, `/login/second-factor?next=${encodeURIComponent(returnPath(event))}`);
	redirect(303, loginPath(event, side));
}

/** The page to come back to; of an action its page. */
function returnPath(event: Guarded): string {
	return event.request.method === 'GET'
		? event.url.pathname + event.url.search
		: event.url.pathname;
}
