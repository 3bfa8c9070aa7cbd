import { error } from '@sveltejs/kit';
import { z } from 'zod';
import { undoChange } from '#lib/billing/changes.server.ts';
import { changeView } from '#lib/billing/changeView.server.ts';
import { subscriptionsOf } from '#lib/billing/subscriptionDetail.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { moveTimeForm, moveTimeOf } from '#lib/provisioning/moves/moveTime.ts';
import {
	migrationsOfChange,
	planMovesOf
} from '#lib/provisioning/moves/tenants/planMoveView.server.ts';
import { waitingPlans } from '#lib/provisioning/moves/tenants/waitingPlans.server.ts';
import { orderPlanChange } from '#lib/provisioning/planChanges.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

async function find(subscriptionId: string, id: string) {
	const change =
		z.uuid().safeParse(id).success && z.uuid().safeParse(subscriptionId).success
			? await db.subscriptionChange.findFirst({
					where: { id, subscriptionId },
					include: {
						subscription: { select: { customer: { select: { companyName: true } } } }
					}
				})
			: null;
	if (!change || Object.keys(change.lines ?? {}).length === 0)
		error(404, new AppError('NOT_FOUND').sentence);
	return change;
}

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'billing:read');
	const change = await find(event.params.id, event.params.change);
	const [subscription] = await subscriptionsOf(db, change.customerId, change.subscriptionId);
	const href = `/admin/billing/subscriptions/${change.subscriptionId}`;
	return {
		change: await changeView(db, change),
		card: subscription?.card ?? null,
		moves: await planMovesOf(db, change),
		migrations: await migrationsOfChange(db, change),
		waiting: (await waitingPlans(db, change.customerId)).filter(
			({ subscriptionId }) => subscriptionId === change.subscriptionId
		),
		mayChange: staff.permissions.has('billing:write'),
		crumbs: [
			{ label: m.billing_subscriptions(), href: '/admin/billing/subscriptions' },
			{ label: change.subscription.customer.companyName, href },
			{ label: m.change_title() }
		]
	};
};

export const actions: Actions = {
	order: async (event) => {
		requireStaff(event, 'billing:write');
		const { id: changeId, customerId } = await find(event.params.id, event.params.change);
		return answerForm(event.request, moveTimeForm, async (input) => {
			const moveAt = moveTimeOf(input);
			await orderPlanChange({ changeId, customerId }, actorOf(event.locals.auth!), { moveAt });
			return {};
		});
	},
	undo: async (event) => {
		requireStaff(event, 'billing:write');
		const { id: changeId, customerId } = await find(event.params.id, event.params.change);
		return answerForm(event.request, z.object({}), async () => {
			await undoChange({ changeId, customerId }, actorOf(event.locals.auth!));
			return {};
		});
	}
};
