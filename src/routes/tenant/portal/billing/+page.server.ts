import { redirect, type RequestEvent } from '@sveltejs/kit';
import { openCardPage } from '#lib/billing/cards.server.ts';
import { changeActForms, type ActingOn } from '#lib/billing/changeActForms.server.ts';
import { latestInvoices } from '#lib/billing/invoiceList.server.ts';
import { subscriptionsOf } from '#lib/billing/subscriptionDetail.server.ts';
import { asCustomer, asOwner } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { type Member, requireCustomer, requireStepUp } from '#lib/identity/guard.server.ts';
import { planMigrations } from '#lib/provisioning/moves/tenants/planMoveView.server.ts';
import { waitingPlans } from '#lib/provisioning/moves/tenants/waitingPlans.server.ts';
import { z } from 'zod';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, permissions } = requireCustomer(event, 'invoices:read');
	return asCustomer(scope, async (tx) => {
		const maySee = permissions.has('subscription:read');
		const shown = {
			subscriptions: maySee ? await subscriptionsOf(tx, customerId) : [],
			invoices: await latestInvoices(tx, customerId, 5),
			cardChanged: event.url.searchParams.has('card')
		};
		// The steps of a run are the platform's; whose instances they are about is in the query.
		const moves = await asOwner(tx, async (owner) => ({
			migrations: maySee ? await planMigrations(owner, customerId) : [],
			waiting: maySee ? await waitingPlans(owner, customerId) : []
		}));
		return { ...shown, ...moves };
	});
};

function acting(event: RequestEvent, { customerId }: Member): ActingOn {
	return { customerId, by: actorOf(event.locals.auth!) };
}

export const actions: Actions = {
	cancel: (event) => {
		const member = requireCustomer(event, 'subscription:manage');
		requireStepUp(event);
		return changeActForms.cancel(event.request, acting(event, member));
	},
	resume: (event) => {
		const member = requireCustomer(event, 'subscription:manage');
		return changeActForms.resume(event.request, acting(event, member));
	},
	undo: (event) => {
		const member = requireCustomer(event, 'subscription:manage');
		return changeActForms.undo(event.request, acting(event, member));
	},
	coupon: (event) => {
		const member = requireCustomer(event, 'subscription:manage');
		return changeActForms.coupon(event.request, acting(event, member));
	},
	card: (event) => {
		const { customerId } = requireCustomer(event, 'invoices:pay');
		const { locale } = event.locals;
		return answerForm(event.request, z.object({}), async () => {
			redirect(303, await openCardPage(customerId, locale, '/tenant/portal/billing?card'));
		});
	},
	again: (event) => {
		const member = requireCustomer(event, 'subscription:manage');
		return changeActForms.again(event.request, acting(event, member));
	}
};
