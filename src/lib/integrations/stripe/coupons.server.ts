import type Stripe from 'stripe';
import type { Caller } from './call.server.ts';

/** Discounts, and the words that people type for them. */
export function coupons(sdk: Stripe, call: Caller) {
	return {
		coupons: {
			retrieve: (id: string) =>
				call.read({ operation: 'coupons.retrieve', request: { id }, object: 'coupon' }, () =>
					sdk.coupons.retrieve(id)
				),
			create: (params: Stripe.CouponCreateParams, key: string) =>
				call.change(
					{ operation: 'coupons.create', key, request: params, object: 'coupon' },
					(options) => sdk.coupons.create(params, options)
				),
			update: (id: string, params: Stripe.CouponUpdateParams, key: string) =>
				call.change(
					{ operation: 'coupons.update', key, request: { id, ...params }, object: 'coupon' },
					(options) => sdk.coupons.update(id, params, options)
				)
		},
		promotionCodes: {
			/** Active or not; at most one active one has a code. */
			byCode: async (code: string) => {
				const params = { code, limit: 100 };
				const page = await call.read(
					{ operation: 'promotionCodes.list', request: params, object: 'list' },
					() => sdk.promotionCodes.list(params)
				);
				return page.data;
			},
			create: (params: Stripe.PromotionCodeCreateParams, key: string) =>
				call.change(
					{ operation: 'promotionCodes.create', key, request: params, object: 'promotion_code' },
					(options) => sdk.promotionCodes.create(params, options)
				),
			update: (id: string, params: Stripe.PromotionCodeUpdateParams, key: string) =>
				call.change(
					{
						operation: 'promotionCodes.update',
						key,
						request: { id, ...params },
						object: 'promotion_code'
					},
					(options) => sdk.promotionCodes.update(id, params, options)
				)
		}
	};
}
