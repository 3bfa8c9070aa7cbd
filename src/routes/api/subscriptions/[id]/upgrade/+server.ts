import { z } from 'zod';
import { refusedChange } from '#lib/billing/changeActForms.server.ts';
import {
	changeOfApi,
	changeSchema,
	oneSubscription,
	subscriptionSchema
} from '#lib/billing/subscriptionView.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { orderPlanChange, previewPlanChange } from '#lib/provisioning/planChanges.server.ts';
import { planMovesOf } from '#lib/provisioning/moves/tenants/planMoveView.server.ts';
import { planMoveSchema, planMoveOfApi } from '#lib/provisioning/moves/tenants/planMoveApi.ts';

const moment = z.iso.datetime().nullish();

export const POST = endpoint(
	{
		summary:
			'Change the plan of a subscription: dry_run shows the exact invoice, change_id orders what was shown, neither does both. What costs less begins with the next period. Where the instance must move to another kind of place, `moves` says what that means and what speaks against it; `move_at` is when it begins, within seven days',
		permission: 'billing:write',
		params: z.object({ id: z.uuid() }),
		body: z.union([
			z.strictObject({ change_id: z.uuid(), move_at: moment }),
			z.strictObject({
				plan: z.string().min(1).max(60),
				interval: z.enum(['month', 'year']).optional(),
				quantity: z.number().int().min(1).max(10_000).optional(),
				dry_run: z.boolean().default(false),
				move_at: moment
			})
		]),
		response: z.object({
			change: changeSchema,
			subscription: subscriptionSchema,
			/** Of a change that was only shown. */
			moves: z.array(planMoveSchema)
		})
	},
	async ({ params: { id }, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const row = await db.subscription.findUnique({ where: { id }, select: { customerId: true } });
		if (!row) throw new AppError('NOT_FOUND');
		const { customerId } = row;
		const shown =
			'change_id' in body
				? await db.subscriptionChange.findFirst({
						where: { id: body.change_id, subscriptionId: id, customerId }
					})
				: (
						await previewPlanChange(
							{ id, customerId },
							{ planKey: body.plan, interval: body.interval, quantity: body.quantity },
							by
						)
					).change;
		if (!shown) throw new AppError('NOT_FOUND');
		const change =
			'dry_run' in body && body.dry_run
				? shown
				: await orderPlanChange({ changeId: shown.id, customerId }, by, {
						moveAt: body.move_at ? new Date(body.move_at) : null
					});
		if (change.status === 'refused') throw refusedChange(change);
		return {
			change: await changeOfApi(db, change),
			subscription: await oneSubscription(db, id),
			moves: (await planMovesOf(db, change)).map(planMoveOfApi)
		};
	}
);
