import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { metricsCsv } from '#lib/infrastructure/metrics/charts.server.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = (event) => {
	requireStaff(event, 'infrastructure:read');
	const { url, params } = event;
	return metricsCsv(db, url, { kind: 'container', id: params.id }, 'contenedor');
};
