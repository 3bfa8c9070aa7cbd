import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { ENTRY_LIST, listEntries } from '#lib/logs/entryList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'logs:read');
	const query = parseListQuery(event.url, ENTRY_LIST);
	const { rows, meta } = await listEntries(db, query);
	// Which instance a run is about is what people look for.
	const runs = await db.provisioningJob.findMany({
		where: { id: { in: rows.flatMap(({ jobId }) => jobId ?? []) } },
		select: { id: true, subjectId: true }
	});
	const tenants = await db.tenant.findMany({
		where: { id: { in: runs.map(({ subjectId }) => subjectId) } },
		select: { id: true, slug: true }
	});
	const slugs = new Map(tenants.map(({ id, slug }) => [id, slug]));
	const subjects = new Map(
		runs.map(({ id, subjectId }) => [id, { id: subjectId, slug: slugs.get(subjectId) ?? null }])
	);
	return {
		rows: rows.map((row) => ({ ...row, subject: subjects.get(row.jobId ?? '') ?? null })),
		meta,
		maySeeTenants: staff.permissions.has('tenants:read'),
		crumbs: [{ label: m.admin_nav_logs() }]
	};
};
