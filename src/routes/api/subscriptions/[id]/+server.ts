import { z } from 'zod';
import { refusedChange } from '#lib/billing/changeActForms.server.ts';
import { couponByCode } from '#lib/billing/coupons.server.ts';
import { orderAct } from '#lib/billing/changes.server.ts';
import { oneSubscription, subscriptionSchema } from '#lib/billing/subscriptionView.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { orderPlanChange, previewPlanChange } from '#lib/provisioning/planChanges.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{
		summary: 'A subscription, with what it becomes next',
		permission: 'billing:read',
		params,
		response: subscriptionSchema
	},
	({ params: { id } }) => oneSubscription(db, id)
);

export const PATCH = endpoint(
	{
		summary:
			'Change one thing of a subscription: its quantity or interval (charged at once where it costs more), its coupon, or whether it ends with the period',
		permission: 'billing:write',
		params,
		body: z
			.strictObject({
				quantity: z.number().int().min(1).max(10_000).optional(),
				interval: z.enum(['month', 'year']).optional(),
				coupon: z.string().min(1).max(60).optional(),
				cancel_at_period_end: z.boolean().optional()
			})
			.refine((body) => Object.values(body).filter((value) => value !== undefined).length === 1, {
				error: () => new AppError('BAD_INPUT').sentence
			}),
		response: subscriptionSchema
	},
	async ({ params: { id }, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const row = await db.subscription.findUnique({
			where: { id },
			select: { customerId: true, currency: true }
		});
		if (!row) throw new AppError('NOT_FOUND');
		const scope = { id, customerId: row.customerId };
		const change = await (async () => {
			if (body.cancel_at_period_end !== undefined)
				return orderAct(scope, body.cancel_at_period_end ? 'cancel_at_end' : 'resume', {}, by);
			if (body.coupon !== undefined)
				return orderAct(
					scope,
					'coupon',
					{ couponId: (await couponByCode(db, body.coupon, row)).id },
					by
				);
			const shown = await previewPlanChange(scope, body, by);
			return orderPlanChange({ changeId: shown.change.id, customerId: row.customerId }, by);
		})();
		if (change.status === 'refused') throw refusedChange(change);
		return oneSubscription(db, id);
	}
);
