import { chartFile, parseChart } from '#lib/billing/figureFiles.server.ts';
import { moneyOverview } from '#lib/billing/figureOverview.server.ts';
import { parseFigureRange } from '#lib/billing/figureRange.ts';
import { now } from '#lib/core/clock.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { csvHeader, csvRow } from '#lib/ui/csv.ts';
import { csvResponse } from '#lib/ui/csv-response.ts';
import type { RequestHandler } from './$types';

/** The table of one chart (`?chart=`), of the currency and months that the page shows. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'billing:read');
	const params = event.url.searchParams;
	const overview = await moneyOverview(parseFigureRange(params), now());
	const { name, columns, rows } = chartFile(parseChart(params.get('chart')), overview);
	return csvResponse(`${name}-${overview.currency}.csv`, csvHeader(columns), async () => ({
		text: rows.map((row) => csvRow(columns, row)).join(''),
		next: null
	}));
};
