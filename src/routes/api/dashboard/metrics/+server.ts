import { metricsSchema, metricsView } from '#lib/analytics/dashboardView.server.ts';
import { overview } from '#lib/analytics/overview.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{ summary: 'Figures of the dashboard', permission: 'dashboard:read', response: metricsSchema },
	async () => metricsView((await overview()).metrics)
);
