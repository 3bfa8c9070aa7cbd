import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import {
	machineMetrics,
	metricsQuery,
	metricsSchema
} from '#lib/infrastructure/metrics/metricView.server.ts';

export const GET = endpoint(
	{
		summary: 'What a container uses now, and what it used in a range: the last day, or from … to',
		permission: 'infrastructure:read',
		params: z.object({ id: z.uuid() }),
		query: metricsQuery,
		response: metricsSchema
	},
	({ params, query }) => machineMetrics(db, { kind: 'container', id: params.id }, query)
);
