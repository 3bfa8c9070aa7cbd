import { moneyOverview } from '#lib/billing/figureOverview.server.ts';
import { parseFigureRange } from '#lib/billing/figureRange.ts';
import {
	billingMetricsSchema,
	billingMetricsView,
	rangeQuery
} from '#lib/billing/figureView.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary:
			'MRR, ARR, churn, ARPU, LTV, trial conversion and revenue of a currency by month, with cohorts',
		permission: 'billing:read',
		query: rangeQuery,
		response: billingMetricsSchema
	},
	async ({ event }) =>
		billingMetricsView(await moneyOverview(parseFigureRange(event.url.searchParams), now()))
);
