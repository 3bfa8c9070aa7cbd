import { Prisma } from '#prisma/generated/client.ts';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta } from '#lib/core/paging.server.ts';
import type { ListQuery, ListSpec } from '#lib/ui/list-query.ts';
import { couponState, type CouponState } from './coupons.server.ts';

export const COUPON_LIST = {
	sort: ['created_at', 'code', 'times_redeemed'],
	defaultSort: '-created_at',
	filters: ['state', 'duration']
} as const satisfies ListSpec;

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' | 'int8' }> = {
	created_at: { sortBy: Prisma.sql`coupon.created_at`, sortType: 'timestamptz' },
	code: { sortBy: Prisma.sql`coupon.code`, sortType: 'text' },
	times_redeemed: { sortBy: Prisma.sql`coupon.times_redeemed`, sortType: 'int8' }
};

/** The same as `couponState`, for a list of any length. */
function stateCondition(state: string | undefined): Prisma.Sql {
	const over = Prisma.sql`(coupon.redeem_by IS NOT NULL AND coupon.redeem_by <= ${now()})`;
	const usedUp = Prisma.sql`(coupon.max_redemptions IS NOT NULL AND coupon.times_redeemed >= coupon.max_redemptions)`;
	const fine = Prisma.sql`coupon.error IS NULL AND coupon.active`;
	switch (state) {
		case 'failed':
			return Prisma.sql`coupon.error IS NOT NULL`;
		case 'inactive':
			return Prisma.sql`coupon.error IS NULL AND NOT coupon.active`;
		case 'expired':
			return Prisma.sql`${fine} AND ${over}`;
		case 'used_up':
			return Prisma.sql`${fine} AND NOT ${over} AND ${usedUp}`;
		case 'active':
		case 'sending': {
			const there = Prisma.raw(state === 'active' ? 'IS NOT NULL' : 'IS NULL');
			return Prisma.sql`${fine} AND NOT ${over} AND NOT ${usedUp} AND coupon.stripe_promotion_code_id ${there}`;
		}
		default:
			return Prisma.sql`true`;
	}
}

const DURATIONS = new Set(['once', 'repeating', 'forever']);

export type CouponRow = Prisma.CouponGetPayload<object> & { state: CouponState };

/** One page of the coupons that a search and its filters leave. */
export async function listCoupons(
	tx: Tx,
	query: ListQuery
): Promise<{ rows: CouponRow[]; meta: PageMeta }> {
	const { state, duration } = query.filters;
	const conditions = [stateCondition(state)];
	if (duration && DURATIONS.has(duration))
		conditions.push(Prisma.sql`coupon.duration = ${duration}::coupon_duration`);
	if (query.q)
		conditions.push(Prisma.sql`lower(coupon.code || ' ' || coupon.name) LIKE ${contains(query.q)}`);
	const { rows, meta } = await pageOfRows(
		tx,
		{
			from: Prisma.sql`coupons AS coupon`,
			where: Prisma.join(conditions, ' AND '),
			...(SORTS[query.sort.key] ?? SORTS.created_at!),
			direction: query.sort.direction,
			id: Prisma.sql`coupon.id`
		},
		query,
		(id) => tx.coupon.findMany({ where: { id } })
	);
	const at = now();
	return { rows: rows.map((row) => ({ ...row, state: couponState(row, at) })), meta };
}
