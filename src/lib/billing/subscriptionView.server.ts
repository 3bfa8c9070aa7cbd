import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { inOrder } from '#lib/core/paging.server.ts';
import { tooMuchFor } from '#lib/plans/uses.server.ts';
import type { SubscriptionChange } from '#prisma/generated/client.ts';
import { shownInvoice } from './changePreview.server.ts';
import { subscriptionsWhere, type SubscriptionWithNext } from './subscriptionDetail.server.ts';

const moment = z.iso.datetime().nullable();

/** A subscription in the API; money in minor units of `currency`. */
export const subscriptionSchema = z.object({
	id: z.uuid(),
	customer: z.object({ id: z.uuid(), company_name: z.string() }),
	plan: z.object({ key: z.string(), name: z.string(), version: z.number().int() }),
	status: z.enum(['pending', 'active', 'past_due', 'suspended', 'cancelled']),
	/** Stripe's word, also one that we do not know. */
	stripe_status: z.string().nullable(),
	stripe_subscription_id: z.string().nullable(),
	billing: z.enum(['stripe', 'invoice', 'free']),
	currency: z.string(),
	/** Of one interval and one user. */
	amount: z.number().int(),
	interval: z.enum(['month', 'year']),
	quantity: z.number().int(),
	mrr: z.number().int(),
	current_period_start: moment,
	current_period_end: moment,
	paid_through: moment,
	trial_end: moment,
	cancel_at: moment,
	cancelled_at: moment,
	past_due_since: moment,
	scheduled: z
		.object({
			change_id: z.uuid().nullable(),
			plan: z.string(),
			quantity: z.number().int(),
			at: z.iso.datetime()
		})
		.nullable(),
	discounts: z.array(z.object({ name: z.string(), ends_at: moment })),
	created_at: z.iso.datetime()
});

const iso = (at: Date | null) => at?.toISOString() ?? null;

/** One subscription as the API shows it. @throws {AppError} NOT_FOUND */
export async function oneSubscription(
	tx: Tx,
	id: string
): Promise<z.input<typeof subscriptionSchema>> {
	const [found] = await subscriptionViews(tx, [id]);
	if (!found) throw new AppError('NOT_FOUND');
	return found;
}

/** A page of them, in the order of their ids. */
export async function subscriptionViews(
	tx: Tx,
	ids: string[]
): Promise<z.input<typeof subscriptionSchema>[]> {
	const rows = await subscriptionsWhere(tx, { id: { in: ids } }, ids.length);
	return inOrder(ids, rows).map(viewOf);
}

function viewOf(row: SubscriptionWithNext): z.input<typeof subscriptionSchema> {
	return {
		id: row.id,
		customer: { id: row.customerId, company_name: row.customer.companyName },
		plan: { key: row.plan.key, name: row.plan.name, version: row.plan.version },
		status: row.status,
		stripe_status: row.stripeStatus,
		stripe_subscription_id: row.stripeSubscriptionId,
		billing: row.billingMode,
		currency: row.currency,
		amount: row.amount,
		interval: row.interval,
		quantity: row.quantity,
		mrr: row.mrr,
		current_period_start: iso(row.currentPeriodStart),
		current_period_end: iso(row.currentPeriodEnd),
		paid_through: iso(row.paidThrough),
		trial_end: iso(row.trialEnd),
		cancel_at: iso(row.cancelAt),
		cancelled_at: iso(row.cancelledAt),
		past_due_since: iso(row.pastDueSince),
		scheduled: row.scheduled && {
			change_id: row.scheduled.changeId,
			plan: row.scheduled.planName,
			quantity: row.scheduled.quantity,
			at: row.scheduled.at.toISOString()
		},
		discounts: row.discounts.map(({ name, endsAt }) => ({ name, ends_at: iso(endsAt) })),
		created_at: row.createdAt.toISOString()
	};
}

/** A change of a subscription in the API. */
export const changeSchema = z.object({
	id: z.uuid(),
	kind: z.string(),
	/** previewed, ordered, waiting_payment, scheduled, applied, refused, undone */
	status: z.string(),
	/** Due at once, minor units. */
	amount_due: z.number().int(),
	currency: z.string(),
	lines: z.array(z.object({ description: z.string(), amount: z.number().int() })),
	/** What coupons take off the lines. */
	discount: z.number().int(),
	/** What is used of more than would be included. */
	over_limits: z.array(
		z.object({
			resource: z.string(),
			/** Of this instance; null: of the whole customer. */
			instance: z.string().nullable(),
			used: z.number(),
			limit: z.number(),
			/** What is done after the days of grace. */
			act: z.string()
		})
	),
	proration_date: moment,
	effective_at: moment,
	stripe_invoice_id: z.string().nullable(),
	error: z.string().nullable(),
	decline_code: z.string().nullable()
});

export async function changeOfApi(
	tx: Tx,
	change: SubscriptionChange
): Promise<z.input<typeof changeSchema>> {
	const { customerId, subscriptionId, toPlanId: planId, toQuantity: quantity } = change;
	const over = await tooMuchFor(tx, customerId, { id: subscriptionId, planId, quantity });
	const shown = shownInvoice.safeParse(change.lines);
	return {
		id: change.id,
		kind: change.kind,
		status: change.status,
		amount_due: change.amountDue,
		currency: change.currency,
		lines: (shown.data?.lines ?? []).map(({ description, amount }) => ({ description, amount })),
		discount: shown.data?.discount ?? 0,
		over_limits: over.map(({ slug, ...rest }) => ({ ...rest, instance: slug })),
		proration_date: iso(change.prorationDate),
		effective_at: iso(change.effectiveAt),
		stripe_invoice_id: change.stripeInvoiceId,
		error: change.error,
		decline_code: change.declineCode
	};
}
