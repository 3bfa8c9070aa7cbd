import type { RequestEvent } from '@sveltejs/kit';
import { env } from '#lib/core/env.server.ts';

const ALWAYS = {
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'cross-origin-opener-policy': 'same-origin',
	'cross-origin-resource-policy': 'same-origin',
	'permissions-policy':
		'accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()'
};

/** What is no page runs nothing and is framed nowhere. */
const NO_PAGE = "default-src 'none'; frame-ancestors 'none'";
/** src/error.html, which SvelteKit sends without a policy when a page could not even begin: styles, no scripts. */
const STATIC_PAGE =
	"default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'";

/**
 * Where the answer to a form may lead: Stripe's pages besides our own. Without scripts a browser follows the answer as
 * part of the form, so that the policy must name its host.
 */
const paymentPages = () =>
	env.STRIPE_API_URL ? new URL(env.STRIPE_API_URL).origin : 'https://*.stripe.com';

/** Puts on what SvelteKit does not: its own is the Content-Security-Policy of pages. */
export function withSecurityHeaders(
	response: Response,
	event: Pick<RequestEvent, 'locals' | 'url' | 'route'>
): Response {
	const { headers } = response;
	for (const [name, value] of Object.entries(ALWAYS)) headers.set(name, value);
	headers.set('x-request-id', event.locals.requestId);
	// A mailed link is a secret: no page that it leads to may learn it. With `no-referrer` a browser would say
	// `Origin: null` when the form of such a page is sent without scripts, which is refused as foreign.
	const carriesSecret = /\/(reset|set-password|pay)\//.test(event.url.pathname);
	headers.set(
		'referrer-policy',
		carriesSecret ? 'strict-origin' : 'strict-origin-when-cross-origin'
	);
	if (env.ORIGIN.startsWith('https:'))
		headers.set('strict-transport-security', 'max-age=63072000; includeSubDomains');
	const policy = headers.get('content-security-policy');
	if (policy) {
		const wider = policy.replace("form-action 'self'", `form-action 'self' ${paymentPages()}`);
		headers.set('content-security-policy', wider);
	} else {
		const isPage = headers.get('content-type')?.startsWith('text/html') ?? false;
		headers.set('content-security-policy', isPage ? STATIC_PAGE : NO_PAGE);
	}
	const personal =
		event.locals.auth !== null || carriesSecret || event.url.pathname.startsWith('/api/');
	if (personal && !headers.has('cache-control')) headers.set('cache-control', 'private, no-store');
	return response;
}
