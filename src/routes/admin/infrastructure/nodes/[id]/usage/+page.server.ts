import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { metricCharts } from '#lib/infrastructure/metrics/charts.server.ts';
import { nodeHead } from '#lib/infrastructure/nodes/nodePage.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const { id } = await nodeHead(db, event.params.id);
	const csv = `/admin/infrastructure/nodes/${id}/metrics.csv`;
	return { charts: await metricCharts(db, event.url, { kind: 'node', id }, csv) };
};
