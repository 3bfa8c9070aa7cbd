/** What is asked of the product while Stripe is away: see `tests/stripeAway.test.ts`. */
import { previewChange } from '#lib/billing/changePreview.server.ts';
import { orderAct } from '#lib/billing/changes.server.ts';
import { caseOf, type Payer, type Payers, scopeOf, someStaff } from '../factories/payers.ts';
import { aPlan } from '../factories/plans.ts';

export interface Case {
	what: string;
	entry: [routeId: string, member: string];
	/** A new one for each time. */
	sent: () => Promise<{
		params: Record<string, string>;
		cookie: string;
		fields?: Record<string, string>;
	}>;
}

const member = (world: { customer: { id: string } }, fields: Record<string, string> = {}) => ({
	customer_id: world.customer.id,
	...fields
});

/** An owner about the invoice that the company owes. */
async function ofOpenInvoice(aDebtor: Payers['aDebtor']) {
	const world = await aDebtor();
	return { params: { id: world.invoice.id }, cookie: world.owner.cookie, fields: member(world) };
}

/** What is not done without Stripe, and changes nothing. */
export function refusedCases({ aPayer, aDebtor, staff }: Payers): Case[] {
	return [
		{
			what: 'staff look what a change would cost',
			entry: ['/admin/billing/subscriptions/[id]/change', 'actions.preview'],
			sent: async () => {
				const { subscription } = await aPayer();
				const plan = await aPlan({ amount: 9_900 });
				return {
					params: { id: subscription.id },
					cookie: staff.cookie,
					fields: { plan: plan.key, interval: 'month', quantity: '2' }
				};
			}
		},
		{
			what: 'a customer looks what a change would cost',
			entry: ['/tenant/portal/billing/change', 'actions.preview'],
			sent: async () => {
				const world = await aPayer();
				const plan = await aPlan({ amount: 9_900 });
				const wanted = { plan: plan.key, interval: 'month', quantity: '2' };
				const fields = member(world, { subscription_id: world.subscription.id, ...wanted });
				return { params: {}, cookie: world.owner.cookie, fields };
			}
		},
		{
			what: 'a customer wants another card',
			entry: ['/tenant/portal/billing', 'actions.card'],
			sent: async () => {
				const world = await aPayer();
				return { params: {}, cookie: world.owner.cookie, fields: member(world) };
			}
		},
		{
			what: 'a customer wants another card for a change',
			entry: ['/tenant/portal/billing/change/[id]', 'actions.card'],
			sent: async () => {
				const world = await aPayer();
				const plan = await aPlan({ amount: 9_900 });
				const { id } = await previewChange(scopeOf(world), { planKey: plan.key }, someStaff);
				return { params: { id }, cookie: world.owner.cookie, fields: member(world) };
			}
		},
		{
			what: 'a customer wants to pay with another card',
			entry: ['/tenant/portal/billing/invoices/[id]', 'actions.page'],
			sent: () => ofOpenInvoice(aDebtor)
		},
		{
			what: 'staff try the card of a late payment now',
			entry: ['/admin/billing/dunning/[id]', 'actions.retry'],
			sent: async () => {
				const { id } = await caseOf(await aDebtor());
				return { params: { id }, cookie: staff.cookie, fields: {} };
			}
		}
	];
}

export interface Queued extends Case {
	/** The button beside the row that waits. */
	again: (row: { id: string }) => {
		entry: [routeId: string, member: string];
		fields: Record<string, string>;
	};
}

const SUBSCRIPTION = '/admin/billing/subscriptions/[id]';
const INVOICE = '/admin/billing/invoices/[id]';
const changeAgain: Queued['again'] = ({ id }) => ({
	entry: [SUBSCRIPTION, 'actions.again'],
	fields: { change_id: id }
});
const actAgain: Queued['again'] = ({ id }) => ({
	entry: [INVOICE, 'actions.again'],
	fields: { act: id }
});

/** What is written down first, and done as soon as Stripe is back. */
export function queuedCases({ aPayer, aDebtor, staff }: Payers): Queued[] {
	function ofSubscription(
		what: string,
		action: string,
		fields: (world: Payer) => Promise<Record<string, string>>
	): Queued {
		return {
			what,
			entry: [SUBSCRIPTION, `actions.${action}`],
			sent: async () => {
				const world = await aPayer();
				const own = { subscription_id: world.subscription.id, ...(await fields(world)) };
				return { params: { id: world.subscription.id }, cookie: staff.cookie, fields: own };
			},
			again: changeAgain
		};
	}

	function ofInvoice(what: string, action: string, isOpen: boolean, amount?: string): Queued {
		return {
			what,
			entry: [INVOICE, `actions.${action}`],
			sent: async () => {
				const { invoice } = isOpen ? await aDebtor() : await aPayer();
				const fields = { reason: 'pruebas', confirm: invoice.number ?? '' };
				return {
					params: { id: invoice.id },
					cookie: staff.cookie,
					fields: { ...fields, ...(amount && { amount }) }
				};
			},
			again: actAgain
		};
	}

	return [
		ofSubscription('an end with the period', 'cancel', async ({ companyName }) => ({
			when: 'period_end',
			confirm: companyName
		})),
		ofSubscription('an end now', 'cancel', async ({ companyName }) => ({
			when: 'now',
			confirm: companyName
		})),
		ofSubscription('an end that is taken back', 'resume', async (world) => {
			await orderAct(scopeOf(world), 'cancel_at_end', {}, someStaff);
			return {};
		}),
		ofSubscription('free time', 'freeTime', async () => ({
			until: new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10),
			reason: 'pruebas'
		})),
		{
			what: 'a change of plan',
			entry: ['/tenant/portal/billing/change/[id]', 'actions.order'],
			sent: async () => {
				const world = await aPayer();
				const { key } = await aPlan({ amount: 9_900 });
				const { id } = await previewChange(scopeOf(world), { planKey: key }, someStaff);
				return { params: { id }, cookie: world.owner.cookie, fields: member(world) };
			},
			again: changeAgain
		},
		ofInvoice('a payment that staff try', 'retry', true),
		ofInvoice('an invoice that is given up', 'void', true),
		ofInvoice('an invoice that was paid elsewhere', 'markPaid', true),
		ofInvoice('a refund', 'refund', false, '10,00'),
		ofInvoice('a credit note', 'creditNote', false, '10,00'),
		{
			what: 'a payment that a customer tries',
			entry: ['/tenant/portal/billing/invoices/[id]', 'actions.pay'],
			sent: () => ofOpenInvoice(aDebtor),
			again: actAgain
		}
	];
}
