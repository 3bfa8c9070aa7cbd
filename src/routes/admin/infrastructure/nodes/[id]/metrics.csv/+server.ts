import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { metricsCsv } from '#lib/infrastructure/metrics/charts.server.ts';
import { nodeHead } from '#lib/infrastructure/nodes/nodePage.server.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const { id, name } = await nodeHead(db, event.params.id);
	return metricsCsv(db, event.url, { kind: 'node', id }, name);
};
