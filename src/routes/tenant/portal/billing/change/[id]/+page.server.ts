import { error, redirect } from '@sveltejs/kit';
import { openCardPage } from '#lib/billing/cards.server.ts';
import { changeForm } from '#lib/billing/changeForms.ts';
import { undoChange } from '#lib/billing/changes.server.ts';
import { changeView } from '#lib/billing/changeView.server.ts';
import { hostedInvoice } from '#lib/billing/dunningPayLink.server.ts';
import { subscriptionsOf } from '#lib/billing/subscriptionDetail.server.ts';
import { asCustomer, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { orderPlanChange } from '#lib/provisioning/planChanges.server.ts';
import { z } from 'zod';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId } = requireCustomer(event, 'subscription:manage');
	const id = z.uuid().safeParse(event.params.id);
	return asCustomer(scope, async (tx) => {
		const change = id.success ? await changeOf(tx, customerId, id.data) : null;
		if (!change?.toPlanId || Object.keys(change.lines ?? {}).length === 0)
			error(404, new AppError('NOT_FOUND').sentence);
		const [subscription] = await subscriptionsOf(tx, customerId, change.subscriptionId);
		return { change: await changeView(tx, change), card: subscription?.card ?? null };
	});
};

function changeOf(tx: Tx, customerId: string, id: string) {
	return tx.subscriptionChange.findFirst({ where: { id, customerId } });
}

export const actions: Actions = {
	order: (event) => {
		const { customerId } = requireCustomer(event, 'subscription:manage');
		return answerForm(event.request, changeForm, async ({ change_id: changeId }) => {
			await orderPlanChange({ changeId, customerId }, actorOf(event.locals.auth!));
			return {};
		});
	},
	undo: (event) => {
		const { customerId } = requireCustomer(event, 'subscription:manage');
		return answerForm(event.request, changeForm, async ({ change_id: changeId }) => {
			await undoChange({ changeId, customerId }, actorOf(event.locals.auth!));
			return {};
		});
	},
	bank: (event) => {
		const { customerId, scope } = requireCustomer(event, 'subscription:manage');
		return answerForm(event.request, changeForm, async ({ change_id: id }) => {
			const change = await asCustomer(scope, (tx) => changeOf(tx, customerId, id));
			if (change?.status !== 'waiting_payment') throw new AppError('NOT_FOUND');
			redirect(303, await hostedInvoice(change));
		});
	},
	card: async (event) => {
		const { customerId, scope } = requireCustomer(event, 'invoices:pay');
		const id = z.uuid().catch('').parse(event.params.id);
		const own = id && (await asCustomer(scope, (tx) => changeOf(tx, customerId, id)));
		if (!own) error(404, new AppError('NOT_FOUND').sentence);
		const back = `/tenant/portal/billing/change/${event.params.id}`;
		redirect(303, await openCardPage(customerId, event.locals.locale, back));
	}
};
