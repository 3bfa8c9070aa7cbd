import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { customerScope } from '#lib/logs/timelineScope.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { timelineFor, timelineKindsFor } from '../../../timelineFor.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'customers:read');
	const { id } = await findCustomer(db, event.params.id);
	const query = parseListQuery(event.url, TIMELINE_LIST);
	const list = await timelineFor(permissions, customerScope(id), query);
	const runIds = list.rows.flatMap(({ data }) => ('run' in data ? data.run : []));
	const runs = await db.provisioningJob.findMany({
		where: { id: { in: runIds } },
		select: { id: true, subjectId: true }
	});
	return {
		...list,
		/** Whose each run is: an instance. */
		tenantOf: Object.fromEntries(runs.map((run) => [run.id, run.subjectId])),
		kinds: timelineKindsFor(permissions)
	};
};
