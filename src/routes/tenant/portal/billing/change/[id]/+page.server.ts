import { error, redirect, type RequestEvent } from '@sveltejs/kit';
import { openCardPage } from '#lib/billing/cards.server.ts';
import { undoChange } from '#lib/billing/changes.server.ts';
import { changeView } from '#lib/billing/changeView.server.ts';
import { hostedInvoice } from '#lib/billing/dunningPayLink.server.ts';
import { subscriptionsOf } from '#lib/billing/subscriptionDetail.server.ts';
import { asCustomer, asOwner, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { type Member, requireCustomer } from '#lib/identity/guard.server.ts';
import { moveTimeForm, moveTimeOf } from '#lib/provisioning/moves/moveTime.ts';
import {
	migrationsOfChange,
	planMovesOf
} from '#lib/provisioning/moves/tenants/planMoveView.server.ts';
import { waitingPlans } from '#lib/provisioning/moves/tenants/waitingPlans.server.ts';
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
		const shown = { change: await changeView(tx, change), card: subscription?.card ?? null };
		// Where there is room is the platform's to know; the change is proved.
		return asOwner(tx, async (owner) => ({
			...shown,
			moves: await planMovesOf(owner, change),
			migrations: await migrationsOfChange(owner, change),
			waiting: (await waitingPlans(owner, customerId)).filter(
				({ subscriptionId }) => subscriptionId === change.subscriptionId
			)
		}));
	});
};

function changeOf(tx: Tx, customerId: string, id: string) {
	return tx.subscriptionChange.findFirst({ where: { id, customerId } });
}

/** The change of this page, if it is the company's own. */
async function ownChange({ params }: RequestEvent, { scope, customerId }: Member) {
	const id = z.uuid().safeParse(params.id);
	const change = id.success
		? await asCustomer(scope, (tx) => changeOf(tx, customerId, id.data))
		: null;
	if (!change) error(404, new AppError('NOT_FOUND').sentence);
	return change;
}

const nothing = z.object({});

export const actions: Actions = {
	order: async (event) => {
		const member = requireCustomer(event, 'subscription:manage');
		const { id: changeId, customerId } = await ownChange(event, member);
		return answerForm(event.request, moveTimeForm, async (input) => {
			const moveAt = moveTimeOf(input);
			await orderPlanChange({ changeId, customerId }, actorOf(event.locals.auth!), { moveAt });
			return {};
		});
	},
	undo: async (event) => {
		const member = requireCustomer(event, 'subscription:manage');
		const { id: changeId, customerId } = await ownChange(event, member);
		return answerForm(event.request, nothing, async () => {
			await undoChange({ changeId, customerId }, actorOf(event.locals.auth!));
			return {};
		});
	},
	bank: async (event) => {
		const member = requireCustomer(event, 'subscription:manage');
		const change = await ownChange(event, member);
		return answerForm(event.request, nothing, async () => {
			if (change.status !== 'waiting_payment')
				throw new AppError('WRONG_STATE', { params: { from: change.status, to: 'paid' } });
			redirect(303, await hostedInvoice(change));
		});
	},
	card: async (event) => {
		const member = requireCustomer(event, 'invoices:pay');
		const { id, customerId } = await ownChange(event, member);
		const back = `/tenant/portal/billing/change/${id}`;
		return answerForm(event.request, nothing, async () => {
			redirect(303, await openCardPage(customerId, event.locals.locale, back));
		});
	}
};
