import { z } from 'zod';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { openApi } from '#lib/identity/openapi.server.ts';

const files = import.meta.glob<Record<string, unknown>>([
	'/src/routes/**/+server.ts',
	'!/src/routes/webhooks/**'
]);
let document: Promise<Record<string, unknown>> | undefined;

export const GET = endpoint(
	{
		summary: 'This document, as OpenAPI 3.1',
		permission: 'public',
		response: z.record(z.string(), z.unknown())
	},
	async ({ event }) => Response.json(await (document ??= read(event.url.origin)))
);

async function read(origin: string): Promise<Record<string, unknown>> {
	const modules = await Promise.all(
		Object.entries(files).map(
			async ([path, load]) => [path.replace('/src/routes/', ''), await load()] as const
		)
	);
	return openApi(Object.fromEntries(modules), origin);
}
