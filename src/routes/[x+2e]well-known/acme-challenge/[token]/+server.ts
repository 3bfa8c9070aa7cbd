import { keyAuthorization } from '#lib/domains/edge/acmeChallenge.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import type { RequestHandler } from './$types';

/** Proves to a certificate authority that a customer's domain leads to our edge, whatever host it asked for. */
export const GET: RequestHandler = async (event) => {
	publicRoute(event);
	const text = await keyAuthorization(event.params.token);
	const headers = { 'content-type': 'text/plain', 'cache-control': 'no-store' };
	return text === null
		? new Response('', { status: 404, headers })
		: new Response(text, { headers });
};
