import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { verifyAudit } from '#lib/logs/audit.server.ts';
import { AUDIT_LIST, auditedAreas, listAudit } from '#lib/logs/auditList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'audit:read');
	const query = parseListQuery(event.url, AUDIT_LIST);
	return {
		...(await listAudit(db, query)),
		areas: await auditedAreas(db),
		crumbs: [{ label: m.admin_nav_logs(), href: '/admin/logs' }, { label: m.logs_tab_audit() }]
	};
};

export const actions: Actions = {
	verify: async (event) => {
		requireStaff(event, 'audit:read');
		const verdict = await verifyAudit();
		return verdict.intact
			? { chain: { intact: true as const, count: verdict.count, head: verdict.head } }
			: {
					chain: {
						intact: false as const,
						count: verdict.count,
						brokenAt: String(verdict.brokenAt),
						reason: verdict.reason
					}
				};
	}
};
