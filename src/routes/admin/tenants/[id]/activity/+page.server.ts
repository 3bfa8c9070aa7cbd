import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { listAudit } from '#lib/logs/auditList.server.ts';
import { traceOfTenant } from '#lib/provisioning/trace.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'audit:read');
	const query = parseListQuery(event.url, { sort: ['at'], defaultSort: '-at' });
	const { subjectIds } = await traceOfTenant(db, event.params.id);
	return listAudit(db, { ...query, filters: {}, about: subjectIds });
};
