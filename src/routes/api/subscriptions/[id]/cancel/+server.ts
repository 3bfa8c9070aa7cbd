import { z } from 'zod';
import { refusedChange } from '#lib/billing/changeActForms.server.ts';
import { orderAct } from '#lib/billing/changes.server.ts';
import { oneSubscription, subscriptionSchema } from '#lib/billing/subscriptionView.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const POST = endpoint(
	{
		summary:
			'End a subscription with the paid period, or now; unused time is not given back. PATCH cancel_at_period_end false takes it back',
		permission: 'billing:write',
		params: z.object({ id: z.uuid() }),
		body: z
			.object({
				when: z.enum(['period_end', 'now']).default('period_end'),
				reason: z.string().max(500).optional()
			})
			.default({ when: 'period_end' }),
		response: subscriptionSchema,
		stepUp: true
	},
	async ({ params: { id }, body, event }) => {
		const row = await db.subscription.findUnique({ where: { id }, select: { customerId: true } });
		if (!row) throw new AppError('NOT_FOUND');
		const change = await orderAct(
			{ id, customerId: row.customerId },
			body.when === 'now' ? 'cancel' : 'cancel_at_end',
			{ reason: body.reason ?? null },
			actorOf(event.locals.auth!)
		);
		if (change.status === 'refused') throw refusedChange(change);
		return oneSubscription(db, id);
	}
);
