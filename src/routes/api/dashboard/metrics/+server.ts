import { dashboardMetrics } from '#lib/analytics/dashboard.server.ts';
import { metricsSchema, metricsView } from '#lib/analytics/dashboardView.server.ts';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{ summary: 'Figures of the dashboard', permission: 'dashboard:read', response: metricsSchema },
	async () => metricsView(await dashboardMetrics(db))
);
