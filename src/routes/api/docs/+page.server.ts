import { publicRoute } from '#lib/identity/guard.server.ts';
import { readDocument } from '#lib/identity/apiDocument.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	return { groups: readDocument(await (await event.fetch('/api/openapi.json')).json()) };
};
