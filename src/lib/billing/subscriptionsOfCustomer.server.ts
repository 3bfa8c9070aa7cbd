import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { pageOfRows, type PageRequest } from '#lib/core/paging.server.ts';
import type { SubscriptionStatus } from '#prisma/generated/enums.ts';

/** What will happen to a subscription, and when. */
export type NextStep =
	| { what: 'trial_ends' | 'renews' | 'ends' | 'suspended' | 'late'; at: Date }
	| { what: 'changes'; at: Date; plan: string };

/** The subscriptions of a customer, newest first, each with what comes next. */
export async function customerSubscriptions(tx: Tx, customerId: string) {
	const rows = await tx.subscription.findMany({
		where: { customerId },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: 50,
		include: { plan: { select: { name: true } } }
	});
	const planIds = rows.flatMap(({ scheduledPlanId }) => scheduledPlanId ?? []);
	const plans = await tx.plan.findMany({
		where: { id: { in: planIds } },
		select: { id: true, name: true }
	});
	const names = new Map(plans.map(({ id, name }) => [id, name]));
	return rows.map((row) => ({ ...row, next: nextSteps(row, names) }));
}

interface Facts {
	status: SubscriptionStatus;
	stripeStatus: string | null;
	trialEnd: Date | null;
	currentPeriodEnd: Date | null;
	cancelAt: Date | null;
	pastDueSince: Date | null;
	dunningSuspendedAt: Date | null;
	scheduledPlanId: string | null;
	scheduledAt: Date | null;
}

function nextSteps(facts: Facts, plans: ReadonlyMap<string, string>): NextStep[] {
	if (facts.status === 'cancelled') return [];
	const steps: NextStep[] = [];
	if (facts.pastDueSince) steps.push({ what: 'late', at: facts.pastDueSince });
	if (facts.dunningSuspendedAt) steps.push({ what: 'suspended', at: facts.dunningSuspendedAt });
	if (facts.stripeStatus === 'trialing' && facts.trialEnd)
		steps.push({ what: 'trial_ends', at: facts.trialEnd });
	if (facts.scheduledAt && facts.scheduledPlanId)
		steps.push({
			what: 'changes',
			at: facts.scheduledAt,
			plan: plans.get(facts.scheduledPlanId) ?? '—'
		});
	if (facts.cancelAt) steps.push({ what: 'ends', at: facts.cancelAt });
	else if (facts.currentPeriodEnd && facts.stripeStatus !== 'trialing')
		steps.push({ what: 'renews', at: facts.currentPeriodEnd });
	return steps;
}

/** One page of a customer's invoices, whole, newest first. */
export function customerInvoices(tx: Tx, customerId: string, request: PageRequest) {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`invoices AS invoice`,
			where: Prisma.sql`invoice.customer_id = ${customerId}::uuid`,
			sortBy: Prisma.sql`invoice.created_at`,
			sortType: 'timestamptz',
			direction: 'desc',
			id: Prisma.sql`invoice.id`
		},
		request,
		(id) => tx.invoice.findMany({ where: { id, customerId } })
	);
}
