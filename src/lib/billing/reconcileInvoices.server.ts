import type Stripe from 'stripe';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Invoice } from '#prisma/generated/client.ts';
import { defineRepair, type Found } from '../logs/drifts.server.ts';
import { idOf } from './checkout.server.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { ownerOfInvoice } from './owners.server.ts';
import type { Comparison } from './reconcile.server.ts';
import { eachAtStripe } from './reconcileWalk.server.ts';
import { causeOf, differing } from './reconcileCause.server.ts';

/** An invoice still moves about as long as Stripe tries to collect it. */
const LOOK_BACK = 35 * DAY;

/** Invoices of the last weeks that Stripe has otherwise than we, or that only Stripe has. */
export const compareInvoices: Comparison = async (tell) => {
	const client = await stripeClient();
	const since = Math.floor(after(now(), -LOOK_BACK).getTime() / 1_000);
	const seen = await eachAtStripe(
		(startingAfter) => client.pages.invoices(since, startingAfter),
		async (page) => tell(await comparePage(page))
	);
	return seen.size;
};

async function comparePage(page: Stripe.Invoice[]): Promise<Found[]> {
	const rows = await db.invoice.findMany({
		where: { stripeInvoiceId: { in: page.map(({ id }) => id) } }
	});
	const found: Found[] = [];
	for (const theirs of page) {
		const ours = rows.find(({ stripeInvoiceId }) => stripeInvoiceId === theirs.id);
		const one = ours ? await differs(ours, theirs) : await unknown(theirs);
		if (one) found.push(one);
	}
	return found;
}

async function unknown(theirs: Stripe.Invoice): Promise<Found | null> {
	const owner = await ownerOfInvoice(theirs);
	// Of somebody that we do not know either: that is the finding, if it is one.
	if (!owner) return null;
	const again = await db.invoice.findUnique({ where: { stripeInvoiceId: theirs.id } });
	if (again) return null;
	return {
		kind: 'billing.invoice-unknown',
		subjectType: 'stripe-invoice',
		subjectId: theirs.id,
		customerId: owner.customerId,
		theirs: { status: theirs.status, total: theirs.total, currency: theirs.currency },
		cause: await causeOf(db, idOf(theirs.customer), theirs.id)
	};
}

async function differs(before: Invoice, theirs: Stripe.Invoice): Promise<Found | null> {
	if (!compare(before, theirs)) return null;
	const ours = await db.invoice.findUniqueOrThrow({ where: { id: before.id } });
	const client = await stripeClient();
	const now = await client.invoices.retrieve(theirs.id);
	const differences = compare(ours, now);
	if (!differences) return null;
	return {
		kind: 'billing.invoice-differs',
		subjectType: 'invoice',
		subjectId: ours.id,
		customerId: ours.customerId,
		...differences,
		cause: await causeOf(db, idOf(now.customer), now.id)
	};
}

function compare(ours: Invoice, theirs: Stripe.Invoice) {
	return differing(
		{ ...ours },
		{
			status: theirs.status ?? 'draft',
			number: theirs.number,
			total: theirs.total,
			amountPaid: theirs.amount_paid,
			amountRemaining: theirs.amount_remaining,
			currency: theirs.currency
		}
	);
}

defineRepair('billing.invoice-differs', async ({ subjectId }) => {
	const { stripeInvoiceId } = await db.invoice.findUniqueOrThrow({ where: { id: subjectId } });
	if (stripeInvoiceId) await mirrorInvoice(stripeInvoiceId);
	return 'done';
});
defineRepair('billing.invoice-unknown', async ({ subjectId }) => {
	if (!(await mirrorInvoice(subjectId))) throw new AppError('BY_HAND');
	return 'done';
});
