import { z } from 'zod';
import {
	alertSchema,
	alertView,
	eventSchema,
	eventView,
	metricsSchema,
	metricsView
} from '#lib/analytics/dashboardView.server.ts';
import { overview } from '#lib/analytics/overview.server.ts';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { nodeSchema, nodeView } from '#lib/infrastructure/nodes/nodeView.server.ts';
import { listTenants } from '#lib/provisioning/tenantList.server.ts';
import { tenantSchema } from '#lib/provisioning/tenantView.server.ts';

export const GET = endpoint(
	{
		summary:
			'Everything that the dashboard shows: figures, latest tenants, nodes, open alerts, recent Stripe events',
		permission: 'dashboard:read',
		response: z.object({
			metrics: metricsSchema,
			tenants: z.array(tenantSchema),
			cluster: z.array(nodeSchema),
			alerts: z.array(alertSchema),
			events: z.array(eventSchema)
		})
	},
	async () => {
		const latest = await listTenants(db, {
			q: '',
			sort: { key: 'created_at', direction: 'desc' },
			filters: {},
			page: 1,
			pageSize: 10,
			cursor: null
		});
		const { metrics, nodes, alerts, events } = await overview();
		return {
			metrics: metricsView(metrics),
			tenants: latest.rows,
			cluster: nodes.map(nodeView),
			alerts: alerts.map(alertView),
			events: events.map(eventView)
		};
	}
);
