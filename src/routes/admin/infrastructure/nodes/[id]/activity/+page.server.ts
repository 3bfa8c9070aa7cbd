import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { nodeHead } from '#lib/infrastructure/nodes/nodePage.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { nodeScope } from '#lib/logs/timelineScope.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { timelineFor, timelineKindsFor } from '../../../../timelineFor.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { permissions } = requireStaff(event, 'infrastructure:read');
	const { id } = await nodeHead(db, event.params.id);
	const query = parseListQuery(event.url, TIMELINE_LIST);
	const list = await timelineFor(permissions, nodeScope(id), query);
	const runs = list.rows.flatMap(({ data }) => ('run' in data ? [data.run] : []));
	const jobs = await db.provisioningJob.findMany({
		where: { id: { in: runs } },
		select: { id: true, subjectId: true }
	});
	return {
		...list,
		tenantOf: Object.fromEntries(jobs.map((job) => [job.id, job.subjectId])),
		// It has no money and no mail of its own.
		kinds: timelineKindsFor(permissions).filter((kind) =>
			['state', 'runs', 'alerts', 'audit'].includes(kind)
		)
	};
};
