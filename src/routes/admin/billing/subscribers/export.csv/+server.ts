import { moneyOverview } from '#lib/billing/figureOverview.server.ts';
import { parseFigureRange } from '#lib/billing/figureRange.ts';
import { subscriberMonths, type SubscriberMonths } from '#lib/billing/subscriberMonths.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { csvHeader, csvRow, type CsvColumn } from '#lib/ui/csv.ts';
import { csvResponse } from '#lib/ui/csv-response.ts';
import type { RequestHandler } from './$types';

/** What each customer was worth at the end of each month that the figures show: a row a customer, a column a month. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'billing:read');
	const range = await moneyOverview(parseFigureRange(event.url.searchParams), now());
	const { currency } = range;
	const columns: CsvColumn<SubscriberMonths>[] = [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.tenants_company(), value: (row) => row.companyName },
		{ label: m.tenants_email(), value: (row) => row.email },
		{ label: m.tenants_country(), value: (row) => row.country },
		{ label: m.mrr_file_first_paid(), value: (row) => row.firstPaidAt },
		{ label: m.billing_currency(), value: () => currency.toUpperCase() },
		...range.months.slice(1).map(({ month }, index) => ({
			label: month,
			value: (row: SubscriberMonths) => inMajorUnits(row.months[index]!, currency)
		}))
	];
	return csvResponse(`mrr-${currency}.csv`, csvHeader(columns), async (after) => {
		const { rows, next } = await subscriberMonths(db, range, after);
		return { text: rows.map((row) => csvRow(columns, row)).join(''), next };
	});
};
