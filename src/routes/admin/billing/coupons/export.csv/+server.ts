import { COUPON_LIST, listCoupons, type CouponRow } from '#lib/billing/couponList.server.ts';
import { couponDuration, couponStateBadge } from '#lib/billing/couponWords.ts';
import { db } from '#lib/core/db.server.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly what the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, COUPON_LIST);
	return csvOfList('cupones.csv', couponColumns(event.locals.locale), (page) =>
		listCoupons(db, { ...query, ...page })
	);
};

function couponColumns(locale: string): CsvColumn<CouponRow>[] {
	return [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.coupon_code(), value: (row) => row.code },
		{ label: m.coupon_name(), value: (row) => row.name },
		{
			label: m.coupon_percent(),
			value: (row) => row.percentBasisPoints && row.percentBasisPoints / 100
		},
		{
			label: m.coupon_amount(),
			value: (row) => (row.amount === null ? null : inMajorUnits(row.amount, row.currency ?? 'usd'))
		},
		{ label: m.plans_currency(), value: (row) => row.currency?.toUpperCase() },
		{ label: m.coupon_duration(), value: (row) => couponDuration(row, locale) },
		{ label: m.coupon_used(), value: (row) => row.timesRedeemed },
		{ label: m.coupon_max(), value: (row) => row.maxRedemptions },
		{ label: m.coupon_redeem_by(), value: (row) => row.redeemBy },
		{ label: m.coupon_state(), value: (row) => couponStateBadge(row.state).label },
		{ label: m.coupon_created_at(), value: (row) => row.createdAt },
		{ label: m.coupon_error(), value: (row) => row.error }
	];
}
