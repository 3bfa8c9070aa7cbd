import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import {
	metricsQuery,
	metricsSchema,
	metricsView
} from '#lib/infrastructure/metrics/metricView.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';

export const GET = endpoint(
	{
		summary:
			'What a tenant uses now, and what it used in a range; of one in a shared container, its response time alone',
		permission: 'tenants:read',
		params: z.object({ id: z.uuid() }),
		query: metricsQuery,
		response: metricsSchema
	},
	async ({ params, query }) => {
		const { id } = await findTenant(db, params.id);
		return metricsView(db, { kind: 'tenant', id }, query);
	}
);
