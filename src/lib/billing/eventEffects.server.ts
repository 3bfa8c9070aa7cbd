import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { isMissing } from '#lib/integrations/stripe/errors.ts';
import { retrieveCheckoutSession } from './checkout.server.ts';
import { wakeChanges } from './changes.server.ts';
import { mirrorCards } from './cards.server.ts';
import { customerOf, type EventFacts } from './events.server.ts';
import { mirrorInvoice } from './invoices.server.ts';
import {
	lookAgain,
	mirrorCreditNote,
	mirrorDispute,
	mirrorRefund,
	orderOf
} from './moneyBack.server.ts';
import { mirrorSubscription } from './subscriptions.server.ts';

/** `unknown_object`: Stripe has no such object, or it is nobody's whom we know (yet). */
export type EventOutcome = 'applied' | 'ignored' | 'unknown_object';

interface Effect {
	/** The events that begin with this. */
	prefix: string;
	run: (id: string, type: string, facts: EventFacts) => Promise<EventOutcome>;
}

const EFFECTS: readonly Effect[] = [
	{ prefix: 'checkout.session.', run: checkoutChanged },
	{ prefix: 'customer.subscription.', run: subscriptionChanged },
	{ prefix: 'customer.', run: (_id, _type, facts) => cardsChanged(facts) },
	{ prefix: 'payment_method.', run: (_id, _type, facts) => cardsChanged(facts) },
	{ prefix: 'setup_intent.succeeded', run: (_id, _type, facts) => cardsChanged(facts) },
	{ prefix: 'invoice.', run: invoiceChanged },
	{ prefix: 'refund.', run: mirrorRefund },
	{ prefix: 'charge.refund.updated', run: mirrorRefund },
	{ prefix: 'credit_note.', run: mirrorCreditNote },
	{ prefix: 'charge.dispute.', run: mirrorDispute }
];

/** Reads the object of an event from Stripe and does what its state asks for. Runs any number of times. */
export async function applyEvent(facts: EventFacts): Promise<EventOutcome> {
	const { id } = facts.data.object;
	const effect = EFFECTS.find(({ prefix }) => facts.type.startsWith(prefix));
	// The upcoming invoice is a preview and has no id.
	if (!effect || !id) return 'ignored';
	try {
		return await effect.run(id, facts.type, facts);
	} catch (error) {
		if (isMissing(error)) return 'unknown_object';
		throw error;
	}
}

async function checkoutChanged(id: string, type: string): Promise<EventOutcome> {
	const checkout = await retrieveCheckoutSession(id);
	if (!checkout) return 'unknown_object';
	// Whose session it is, is for those to find out who opened it.
	await transaction((tx) =>
		enqueue(tx, 'provisioning.checkout-changed', {
			stripeSessionId: id,
			failed: type === 'checkout.session.async_payment_failed'
		})
	);
	return 'applied';
}

async function subscriptionChanged(id: string): Promise<EventOutcome> {
	const outcome = await mirrorSubscription(id);
	await transaction((tx) => wakeChanges(tx, id));
	return outcome;
}

async function cardsChanged(facts: EventFacts): Promise<EventOutcome> {
	const stripeCustomerId = customerOf(facts) ?? (await ownerOfMethod(facts.data.object.id));
	return stripeCustomerId ? mirrorCards(stripeCustomerId) : 'ignored';
}

/** A method that was taken away says no more whose it was; our mirror does. */
async function ownerOfMethod(stripePaymentMethodId = ''): Promise<string | null> {
	const method = await db.paymentMethod.findUnique({ where: { stripePaymentMethodId } });
	if (!method) return null;
	const owner = await db.customer.findUnique({ where: { id: method.customerId } });
	return owner?.stripeCustomerId ?? null;
}

async function invoiceChanged(id: string): Promise<EventOutcome> {
	const invoice = await mirrorInvoice(id);
	if (!invoice) return 'unknown_object';
	if (invoice.stripeSubscriptionId) await subscriptionChanged(invoice.stripeSubscriptionId);
	await transaction(async (tx) => {
		const order = await orderOf(tx, invoice);
		// A payment that was on its way has arrived, or has not.
		if (order?.status === 'waiting_payment') await lookAgain(tx, order);
	});
	return 'applied';
}
