import type { RequestEvent } from '@sveltejs/kit';
import type { EndpointHandler } from '#lib/identity/endpoint.server.ts';
import { handle } from '../../src/hooks.server.ts';
import { requestEvent } from './event.ts';

export interface Sent {
	method?: string;
	cookie?: string;
	authorization?: string;
	headers?: Record<string, string>;
	body?: unknown;
	search?: string;
	raw?: string;
}

/** Through the real hook, as a client would. */
export async function send(
	handler: EndpointHandler,
	sent: Sent = {}
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
	const headers: Record<string, string> = { 'content-type': 'application/json', ...sent.headers };
	if (sent.authorization) headers.authorization = sent.authorization;
	const event: RequestEvent = requestEvent({
		routeId: '/api/things',
		params: {},
		method: sent.method ?? 'POST',
		cookie: sent.cookie,
		headers,
		body: sent.raw ?? JSON.stringify(sent.body ?? {})
	});
	event.url.search = sent.search ?? '';
	const response = await handle({
		event,
		resolve: async (resolved) => handler(resolved as Parameters<EndpointHandler>[0])
	});
	return { status: response.status, headers: response.headers, body: await response.json() };
}
