import { error, redirect } from '@sveltejs/kit';
import { wantedForm } from '#lib/billing/changeForms.ts';
import { planChoices, subscriptionsOf } from '#lib/billing/subscriptionDetail.server.ts';
import { asCustomer } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { previewPlanChange } from '#lib/provisioning/planChanges.server.ts';
import { z } from 'zod';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId } = requireCustomer(event, 'subscription:manage');
	const id = z.uuid().safeParse(event.url.searchParams.get('subscription'));
	return asCustomer(scope, async (tx) => {
		const [subscription] = id.success ? await subscriptionsOf(tx, customerId, id.data) : [];
		if (!subscription) error(404, new AppError('NOT_FOUND').sentence);
		return { subscription, choices: await planChoices(tx, subscription) };
	});
};

export const actions: Actions = {
	preview: (event) => {
		const { customerId } = requireCustomer(event, 'subscription:manage');
		const form = wantedForm.extend({ subscription_id: z.uuid() });
		return answerForm(event.request, form, async (input) => {
			const { change } = await previewPlanChange(
				{ id: input.subscription_id, customerId },
				{ planKey: input.plan, interval: input.interval, quantity: input.quantity },
				actorOf(event.locals.auth!)
			);
			redirect(303, `/tenant/portal/billing/change/${change.id}`);
		});
	}
};
