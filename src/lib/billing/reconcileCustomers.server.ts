import type Stripe from 'stripe';
import { db } from '#lib/core/db.server.ts';
import { isMissing } from '#lib/integrations/stripe/errors.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Customer } from '#prisma/generated/client.ts';
import { defineRepair, type Found } from '../logs/drifts.server.ts';
import { differences, factsOf, pushCustomer } from './customerSync.server.ts';
import type { Comparison } from './reconcile.server.ts';

const BATCH = 1_000;

/** Customers that Stripe has otherwise than we, or not any more. Those that only Stripe has are nobody's business. */
export const compareCustomers: Comparison = async (tell) => {
	const client = await stripeClient();
	const seen = new Set<string>();
	let startingAfter: string | undefined;
	for (;;) {
		const page = await client.pages.customers(startingAfter);
		for (const { id } of page.data) seen.add(id);
		await tell(await differingOf(page.data));
		startingAfter = page.data.at(-1)?.id;
		if (!page.has_more || !startingAfter) break;
	}
	await tellMissing(seen, tell);
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

async function tellMissing(
	seen: Set<string>,
	tell: (found: Found[]) => Promise<void>
): Promise<void> {
	let after: string | undefined;
	for (;;) {
		const rows = await db.customer.findMany({
			where: { stripeCustomerId: { not: null }, ...(after && { id: { gt: after } }) },
			orderBy: { id: 'asc' },
			take: BATCH,
			select: { id: true, stripeCustomerId: true }
		});
		const gone: Found[] = [];
		for (const { id, stripeCustomerId } of rows) {
			if (seen.has(stripeCustomerId!) || (await exists(stripeCustomerId!))) continue;
			gone.push({
				kind: 'billing.customer-missing',
				subjectType: 'customer',
				subjectId: id,
				customerId: id,
				ours: { stripe_customer_id: stripeCustomerId },
				cause: 'deleted-at-stripe'
			});
		}
		await tell(gone);
		after = rows.at(-1)?.id;
		if (rows.length < BATCH) return;
	}
}

/** One that came while we were looking is not missing. */
async function exists(stripeCustomerId: string): Promise<boolean> {
	const client = await stripeClient();
	try {
		return !(await client.customers.retrieve(stripeCustomerId)).deleted;
	} catch (error) {
		if (isMissing(error)) return false;
		throw error;
	}
}

defineRepair('billing.customer-differs', ({ subjectId }) => pushCustomer(subjectId));
