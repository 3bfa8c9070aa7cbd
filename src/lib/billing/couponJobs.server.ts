import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { pushCoupon, refreshCoupons } from './couponSync.server.ts';

defineJob({
	name: 'billing.push-coupon',
	payload: z.object({ couponId: z.uuid() }),
	run: ({ couponId }) => pushCoupon(couponId),
	concurrency: 2,
	// Until Stripe answers again; the hourly look begins anew.
	queue: { policy: 'singleton', retryLimit: 50, retryDelay: 1, retryDelayMax: 300 }
});

defineJob({
	name: 'billing.refresh-coupons',
	payload: z.object({}),
	run: () => refreshCoupons(),
	schedule: { cron: '41 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 1 }
});
