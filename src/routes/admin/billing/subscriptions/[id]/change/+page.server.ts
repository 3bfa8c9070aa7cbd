import { error, redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { wantedForm } from '#lib/billing/changeForms.ts';
import { planChoices, subscriptionsOf } from '#lib/billing/subscriptionDetail.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { previewPlanChange } from '#lib/provisioning/planChanges.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

async function find(id: string) {
	const known = z.uuid().safeParse(id).success
		? await db.subscription.findUnique({
				where: { id },
				select: { id: true, customerId: true, customer: { select: { companyName: true } } }
			})
		: null;
	if (!known) error(404, new AppError('NOT_FOUND').sentence);
	return known;
}

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:write');
	const { id, customerId, customer } = await find(event.params.id);
	const [subscription] = await subscriptionsOf(db, customerId, id);
	return {
		subscription: subscription!,
		choices: await planChoices(db, subscription!),
		crumbs: [
			{ label: m.billing_subscriptions(), href: '/admin/billing/subscriptions' },
			{ label: customer.companyName, href: `/admin/billing/subscriptions/${id}` },
			{ label: m.change_title() }
		]
	};
};

export const actions: Actions = {
	preview: async (event) => {
		requireStaff(event, 'billing:write');
		const { id, customerId } = await find(event.params.id);
		return answerForm(event.request, wantedForm, async (input) => {
			const { change } = await previewPlanChange(
				{ id, customerId },
				{ planKey: input.plan, interval: input.interval, quantity: input.quantity },
				actorOf(event.locals.auth!)
			);
			redirect(303, `/admin/billing/subscriptions/${id}/change/${change.id}`);
		});
	}
};
