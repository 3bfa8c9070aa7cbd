/**
 * Routes that need no login, without their groups: the hook refuses everything else to a visitor, and the architecture
 * test refuses a route that says `publicRoute(event)` and is not here.
 */
export const PUBLIC_ROUTES: readonly string[] = [
	'/',
	'/signup',
	'/signup/continue',
	'/success',
	'/kb',
	'/kb/[slug]',
	'/status',
	'/pay/[token]',
	'/pay/[token]/[invoice]',
	'/terms',
	'/privacy',
	'/robots.txt',
	'/sitemap.xml',
	'/login/admin',
	'/login/tenant',
	'/login/second-factor',
	'/logout',
	'/reset',
	'/reset/[token]',
	'/set-password/[token]',
	'/invite/[token]',
	'/api/auth/login',
	'/api/signup/name',
	'/api/openapi.json',
	'/api/docs',
	'/health',
	'/health/ready',
	'/webhooks/stripe',
	// Certificate authorities look here for the proof that a customer's domain leads to us.
	'/[x+2e]well-known/acme-challenge/[token]',
	// Shows the components while developing; answers 404 in production.
	'/dev/ui',
	// The sandbox's console moves the demo's time; answers 404 where there is no sandbox.
	'/__sandbox/clock'
];

/** @param routeId as SvelteKit has it, groups included: `/(public)/signup` */
export function isPublicRoute(routeId: string): boolean {
	return PUBLIC_ROUTES.includes(routeId.replace(/\/\([^)]+\)/g, '') || '/');
}
