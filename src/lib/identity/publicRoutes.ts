/**
 * Route ids that need no login: the hook refuses everything else to a visitor. A route here says `publicRoute(event)` in
 * its loads, actions and handlers as well. What is public because of its group is public as a whole.
 */
export const PUBLIC_ROUTES: readonly string[] = [
	'/health',
	'/health/ready',
	'/webhooks/stripe',
	'/api/auth/login',
	'/api/openapi.json',
	'/api/docs',
	// Tells in dev alone what the components look like; its load answers 404 elsewhere.
	'/dev/ui'
];

/** Landing, signup and their kind; login, reset and their kind. */
export const PUBLIC_GROUPS: readonly string[] = ['/(public)', '/(auth)'];

/** @param routeId as SvelteKit has it, groups included: `/(public)/signup` */
export function isPublicRoute(routeId: string): boolean {
	if (PUBLIC_ROUTES.includes(routeId)) return true;
	return PUBLIC_GROUPS.some((group) => routeId === group || routeId.startsWith(`${group}/`));
}
