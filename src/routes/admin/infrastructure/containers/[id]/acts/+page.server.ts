import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { ACT_LIST, listActs } from '#lib/infrastructure/containers/actList.server.ts';
import { containerOfId } from '#lib/infrastructure/containers/containerPage.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const { id } = await containerOfId(db, event.params.id);
	return { acts: await listActs(db, id, parseListQuery(event.url, ACT_LIST)) };
};
