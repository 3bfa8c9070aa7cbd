import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { containerOfId } from '#lib/infrastructure/containers/containerPage.server.ts';
import { metricsCsv } from '#lib/infrastructure/metrics/charts.server.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const { id, hostname } = await containerOfId(db, event.params.id);
	return metricsCsv(db, event.url, { kind: 'container', id }, hostname);
};
