import { deactivateCouponForm, newCouponForm, oneCouponForm } from '#lib/billing/couponForms.ts';
import { COUPON_LIST, listCoupons } from '#lib/billing/couponList.server.ts';
import {
	createCoupon,
	deactivateCoupon,
	findCoupon,
	retryCoupon
} from '#lib/billing/coupons.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { CURRENCY_CODES } from '#lib/plans/currencies.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'billing:read');
	return {
		...(await listCoupons(db, parseListQuery(event.url, COUPON_LIST))),
		currencies: CURRENCY_CODES,
		mayWrite: staff.permissions.has('billing:write'),
		crumbs: [{ label: m.admin_nav_billing(), href: '/admin/billing' }, { label: m.coupon_many() }]
	};
};

export const actions: Actions = {
	create: (event) => {
		requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, newCouponForm, async (input) => {
			const { code } = await transaction((tx) => createCoupon(tx, input, { by }));
			return { message: m.coupon_created({ code }), created: code };
		});
	},
	deactivate: (event) => {
		requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, deactivateCouponForm, async ({ coupon, confirm }) => {
			await transaction(async (tx) => {
				const { code } = await findCoupon(tx, coupon);
				if (confirm !== code)
					throw new AppError('BAD_INPUT', {
						fields: { confirm: m.ui_type_to_confirm({ name: code }) }
					});
				await deactivateCoupon(tx, coupon, { by });
			});
			return { message: m.coupon_deactivated() };
		});
	},
	retry: (event) => {
		requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, oneCouponForm, async ({ coupon }) => {
			await transaction((tx) => retryCoupon(tx, coupon, { by }));
			return { message: m.coupon_retried() };
		});
	}
};
