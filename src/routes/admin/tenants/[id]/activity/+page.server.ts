import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { tenantScope } from '#lib/logs/timelineScope.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { timelineFor, timelineKindsFor } from '../../../timelineFor.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'tenants:read');
	const scope = tenantScope(await findTenant(db, event.params.id));
	const query = parseListQuery(event.url, TIMELINE_LIST);
	return {
		...(await timelineFor(permissions, scope, query)),
		kinds: timelineKindsFor(permissions)
	};
};
