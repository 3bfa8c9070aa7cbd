import type Stripe from 'stripe';
import { db } from '#lib/core/db.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Customer } from '#prisma/generated/client.ts';
import { defineRepair, type Found } from '../logs/drifts.server.ts';
import { differences, factsOf, pushCustomer } from './customerSync.server.ts';
import type { Comparison } from './reconcile.server.ts';
import { eachAtStripe, eachOfOurs, exists } from './reconcileWalk.server.ts';

/** Customers that Stripe has otherwise than we, or not any more. Those that only Stripe has are nobody's business. */
export const compareCustomers: Comparison = async (tell) => {
	const client = await stripeClient();
	const seen = await eachAtStripe(client.pages.customers, async (page) =>
		tell(await differingOf(page))
	);
	await eachOfOurs(
		(after, take) =>
			db.customer.findMany({
				where: { stripeCustomerId: { not: null }, ...(after && { id: { gt: after } }) },
				orderBy: { id: 'asc' },
				take,
				select: { id: true, stripeCustomerId: true }
			}),
		async (rows) => {
			const gone: Found[] = [];
			for (const { id, stripeCustomerId } of rows) {
				const theirs = stripeCustomerId!;
				if (seen.has(theirs) || (await exists(() => client.customers.retrieve(theirs)))) continue;
				gone.push({
					kind: 'billing.customer-missing',
					subjectType: 'customer',
					subjectId: id,
					customerId: id,
					ours: { stripe_customer_id: theirs },
					cause: 'deleted-at-stripe'
				});
			}
			await tell(gone);
		}
	);
	return seen.size;
};

async function differingOf(page: Stripe.Customer[]): Promise<Found[]> {
	const rows = await db.customer.findMany({
		where: { stripeCustomerId: { in: page.map(({ id }) => id) } }
	});
	return page.flatMap((theirs) => {
		const ours = rows.find(({ stripeCustomerId }) => stripeCustomerId === theirs.id);
		return ours ? (differs(ours, theirs) ?? []) : [];
	});
}

function differs(ours: Customer, theirs: Stripe.Customer): Found | null {
	const wanted = factsOf(ours);
	const fields = differences(theirs, wanted);
	if (fields.length === 0) return null;
	const only = (side: unknown) =>
		Object.fromEntries(fields.map((field) => [field, at(side, field)]));
	return {
		kind: 'billing.customer-differs',
		subjectType: 'customer',
		subjectId: ours.id,
		customerId: ours.id,
		ours: only(wanted),
		theirs: only(theirs),
		cause: 'not-pushed'
	};
}

/** The value under `address.city`, as text. */
function at(side: unknown, path: string): string | null {
	let value = side;
	for (const name of path.split('.'))
		value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : null;
	if (Array.isArray(value)) return value.join(', ');
	return value === null || value === undefined ? null : String(value);
}

defineRepair('billing.customer-differs', async ({ subjectId }) => {
	await pushCustomer(subjectId);
	return 'done';
});
