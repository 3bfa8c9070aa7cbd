import { randomUUID } from 'node:crypto';
import type Stripe from 'stripe';
import { now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import { idOf } from './checkout.server.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { mirrored } from './mirror.server.ts';
import { hasEnded, mirrorSubscription } from './subscriptions.server.ts';

/**
 * Reads a customer's saved payment methods from Stripe. When the one that Stripe charges is another one than before,
 * a job makes all subscriptions use it and pays what is open.
 * @returns `unknown_object` when the customer is nobody we know
 */
export async function mirrorCards(stripeCustomerId: string): Promise<'applied' | 'unknown_object'> {
	const known = await db.customer.findUnique({
		where: { stripeCustomerId },
		select: { id: true }
	});
	if (!known) return 'unknown_object';
	const client = await stripeClient();
	await mirrored(
		`cards:${stripeCustomerId}`,
		async () => ({
			chosen: defaultOf(await client.customers.retrieve(stripeCustomerId)),
			methods: await client.paymentMethods.ofCustomer(stripeCustomerId)
		}),
		async (tx, { chosen, methods }) => {
			const before = await tx.paymentMethod.findFirst({
				where: { customerId: known.id, isDefault: true }
			});
			await writeMethods(tx, known.id, methods, chosen);
			if (!chosen || before?.stripePaymentMethodId === chosen) return;
			await enqueue(
				tx,
				'billing.use-card',
				{ customerId: known.id, stripePaymentMethodId: chosen },
				{ key: known.id }
			);
			await publish(tx, [`customer:${known.id}`, 'staff:billing'], known.id);
		}
	);
	return 'applied';
}

function defaultOf(customer: Stripe.Customer | Stripe.DeletedCustomer): string | null {
	return customer.deleted ? null : idOf(customer.invoice_settings.default_payment_method);
}

async function writeMethods(
	tx: Tx,
	customerId: string,
	methods: Stripe.PaymentMethod[],
	chosen: string | null
): Promise<void> {
	await tx.paymentMethod.deleteMany({
		where: { customerId, stripePaymentMethodId: { notIn: methods.map(({ id }) => id) } }
	});
	for (const { id, type, card } of methods) {
		const columns = {
			type,
			brand: card?.brand ?? null,
			last4: card?.last4 ?? null,
			expMonth: card?.exp_month ?? null,
			expYear: card?.exp_year ?? null,
			isDefault: id === chosen
		};
		await tx.paymentMethod.upsert({
			where: { stripePaymentMethodId: id },
			// Compared with the times of payments, which are of our clock and Stripe's.
			create: { customerId, stripePaymentMethodId: id, createdAt: now(), ...columns },
			update: columns
		});
	}
}

/**
 * Makes a new card the one that is charged, and pays with it what is open: a subscription's own method would be charged
 * before the customer's. Any number of times; an invoice is tried once with one card.
 * @throws {StripeVendorError} when Stripe does not answer; a card that is declined leaves the invoice open
 */
export async function useCard(customerId: string, stripePaymentMethodId: string): Promise<void> {
	const client = await stripeClient({ customerId, subjectId: customerId });
	const subscriptions = await db.subscription.findMany({
		where: {
			customerId,
			stripeSubscriptionId: { not: null },
			status: { notIn: ['cancelled', 'pending'] }
		}
	});
	for (const { stripeSubscriptionId } of subscriptions) {
		const id = stripeSubscriptionId!;
		const current = await client.subscriptions.retrieve(id);
		const own = idOf(current.default_payment_method);
		if (hasEnded(current) || !own || own === stripePaymentMethodId) continue;
		await client.subscriptions.update(
			id,
			{ default_payment_method: stripePaymentMethodId },
			// Under a key that was used before, Stripe would only repeat its answer of then.
			`card:${randomUUID()}`
		);
	}
	const open = await db.invoice.findMany({
		where: { customerId, status: 'open', stripeInvoiceId: { not: null } },
		orderBy: { createdAt: 'asc' }
	});
	for (const { stripeInvoiceId } of open)
		await payWith(client, stripeInvoiceId!, stripePaymentMethodId);
	for (const { stripeSubscriptionId } of subscriptions)
		await mirrorSubscription(stripeSubscriptionId!);
}

async function payWith(client: StripeClient, invoice: string, method: string): Promise<void> {
	const now = await client.invoices.retrieve(invoice);
	if (now.status === 'open') {
		try {
			await client.invoices.pay(
				invoice,
				{ payment_method: method, off_session: false },
				`card:${invoice}:${method}`
			);
		} catch (error) {
			const said = error instanceof StripeVendorError ? error.kind : null;
			// What the bank said is in the history of attempts; paid meanwhile is as good.
			if (said !== 'declined' && said !== 'refused') throw error;
		}
	}
	await mirrorInvoice(invoice);
}

/**
 * A page of Stripe's on which the customer changes the card, and which leads back.
 * @returns its URL, good for some minutes
 * @throws {AppError} NOT_FOUND when Stripe does not know the customer; {StripeVendorError}
 */
export async function openCardPage(
	customerId: string,
	locale: 'es' | 'en',
	returnPath: string
): Promise<string> {
	const customer = await db.customer.findUniqueOrThrow({ where: { id: customerId } });
	if (!customer.stripeCustomerId) throw new AppError('NOT_BILLED_BY_STRIPE');
	const client = await stripeClient({ customerId, subjectId: customerId });
	const url = new URL(returnPath, env.ORIGIN).href;
	const session = await client.portal.open({
		customer: customer.stripeCustomerId,
		configuration: await configuration(client),
		locale,
		return_url: url,
		flow_data: {
			type: 'payment_method_update',
			after_completion: { type: 'redirect', redirect: { return_url: url } }
		}
	});
	return session.url;
}

const OURS = { erpcore: 'card' };

/** Ours, so that what the dashboard's default allows makes no difference. */
async function configuration(client: StripeClient): Promise<string> {
	const known = await client.portal.configurations();
	const ours = known.find(({ metadata }) => metadata?.erpcore === OURS.erpcore);
	if (ours) return ours.id;
	const made = await client.portal.configure(
		{
			features: { payment_method_update: { enabled: true }, invoice_history: { enabled: false } },
			metadata: OURS
		},
		'portal:card'
	);
	return made.id;
}
