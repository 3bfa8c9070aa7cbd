import type { Tx } from '#lib/core/db.server.ts';
import type { Plan, SubscriptionChange } from '#prisma/generated/client.ts';
import { now } from '#lib/core/clock.server.ts';
import { tooMuchFor, type TooMuch } from '#lib/plans/uses.server.ts';
import { shownInvoice, type ShownInvoice } from './changePreview.server.ts';

interface Side {
	planName: string;
	/** Minor units of one interval and one user. */
	amount: number;
	interval: 'month' | 'year';
	quantity: number;
}

/** A change as people see it. */
export interface ChangeView {
	id: string;
	subscriptionId: string;
	kind: SubscriptionChange['kind'];
	status: SubscriptionChange['status'];
	error: string | null;
	declineCode: string | null;
	amountDue: number;
	currency: string;
	shown: ShownInvoice;
	from: Side;
	to: Side;
	effectiveAt: Date | null;
	createdAt: Date;
	stripeInvoiceId: string | null;
	/** Disk that a smaller plan would not take away, in GB; null when none is left over. */
	keptDiskGb: number | null;
	/** What is used of more than would be included; empty once it is no longer to be decided. */
	tooMuch: TooMuch[];
	/** Discounts that still run when it comes into force. */
	discounts: { name: string; endsAt: Date | null }[];
}

/** Puts a change of terms beside what the subscription was when it was shown. */
export async function changeView(tx: Tx, change: SubscriptionChange): Promise<ChangeView> {
	const subscription = await tx.subscription.findUniqueOrThrow({
		where: { id: change.subscriptionId }
	});
	const find = (id: string) =>
		tx.plan.findUniqueOrThrow({ where: { id }, include: { prices: true } });
	const [from, to] = [await find(change.fromPlanId), await find(change.toPlanId)];
	const price = to.prices.find(
		({ interval, currency }) => interval === change.toInterval && currency === change.currency
	);
	const shown = shownInvoice.parse(change.lines);
	const { customerId, subscriptionId, toPlanId: planId, toQuantity: quantity } = change;
	const tooMuch = OPEN.has(change.status)
		? await tooMuchFor(tx, customerId, { id: subscriptionId, planId, quantity })
		: [];
	const inForceAt = change.effectiveAt ?? now();
	const discounts = await tx.subscriptionDiscount.findMany({
		where: {
			...{ customerId, subscriptionId },
			// One that counts once is used up by the invoice that is shown.
			...(shown.discount > 0 && { duration: { not: 'once' } }),
			OR: [{ endsAt: null }, { endsAt: { gt: inForceAt } }]
		},
		orderBy: { startsAt: 'asc' },
		select: { name: true, endsAt: true }
	});
	return {
		id: change.id,
		subscriptionId: change.subscriptionId,
		kind: change.kind,
		status: change.status,
		error: change.error,
		declineCode: change.declineCode,
		amountDue: change.amountDue,
		currency: change.currency,
		shown,
		from: {
			planName: from.name,
			...shown.before
		},
		to: {
			planName: to.name,
			amount: subscription.billingMode === 'free' ? 0 : (price?.amount ?? 0),
			interval: change.toInterval,
			quantity: change.toQuantity
		},
		effectiveAt: change.effectiveAt,
		createdAt: change.createdAt,
		stripeInvoiceId: change.stripeInvoiceId,
		keptDiskGb: keepsDisk(from, to) ? from.diskGb : null,
		tooMuch,
		discounts
	};
}

/** Only a container of its own that stays has a disk to keep. */
function keepsDisk(from: Plan, to: Plan): boolean {
	const staysOwn = from.isolation !== 'shared' && to.isolation !== 'shared';
	return staysOwn && from.diskGb > to.diskGb;
}

/** Until then it may be left alone, or taken back. */
const OPEN = new Set<SubscriptionChange['status']>(['previewed', 'scheduled']);
