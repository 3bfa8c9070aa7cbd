import { z } from 'zod';
import { changeOf } from '#lib/billing/figureMath.ts';
import { moneyOverview } from '#lib/billing/figureOverview.server.ts';
import { parseFigureRange } from '#lib/billing/figureRange.ts';
import {
	monthFiguresSchema,
	monthFiguresView,
	rangeQuery
} from '#lib/billing/figureView.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'Every figure of a month beside the same of the month before, counted from that month',
		permission: 'billing:read',
		query: rangeQuery.pick({ currency: true, until: true }),
		response: z.object({
			currency: z.string(),
			is_running: z.boolean(),
			current: monthFiguresSchema,
			previous: monthFiguresSchema,
			/** By how much each figure changed, as a fraction of the one before; null when that is not known. */
			change: z.record(z.string(), z.number().nullable())
		})
	},
	async ({ event }) => {
		const range = parseFigureRange(event.url.searchParams);
		const { months, currency, isRunning } = await moneyOverview({ ...range, months: 3 }, now());
		const [previous, current] = months.slice(-2).map(monthFiguresView);
		const before = new Map(Object.entries(previous!));
		const change: Record<string, number | null> = {};
		for (const [name, value] of Object.entries(current!)) {
			const old = before.get(name);
			if (typeof value === 'number' || typeof old === 'number')
				change[name] = changeOf(numeric(value), numeric(old));
		}
		return { currency, is_running: isRunning, current: current!, previous: previous!, change };
	}
);

const numeric = (value: unknown) => (typeof value === 'number' ? value : null);
