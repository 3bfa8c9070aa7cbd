import { Prisma } from '#prisma/generated/client.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import { type Actor, audit } from '#lib/logs/audit.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { factsOf, queueEvent } from './events.server.ts';
import { isEventState } from './eventWords.ts';

export const EVENT_LIST = {
	sort: ['received_at'],
	defaultSort: '-received_at',
	filters: ['type', 'state']
} satisfies ListSpec;

const select = {
	id: true,
	eventId: true,
	eventType: true,
	stripeCustomerId: true,
	processed: true,
	outcome: true,
	error: true,
	attempts: true,
	createdAt: true,
	receivedAt: true,
	processedAt: true
} satisfies Prisma.StripeEventSelect;

type Stored = Prisma.StripeEventGetPayload<{ select: typeof select }>;
export type EventRow = Stored & {
	/** Whose it is; null when it names none of our customers. */
	customer: { id: string; companyName: string } | null;
};

/** One page of Stripe's events, newest first unless asked otherwise. */
export async function listEvents(
	tx: Tx,
	query: PageRequest & {
		/** An event's id, a part of its type, Stripe's customer, or the company. */
		q: string;
		sort: { direction: 'asc' | 'desc' };
		filters: { type?: string; state?: string };
	}
): Promise<{ rows: EventRow[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`stripe_events AS event`,
			where: Prisma.join(await conditions(tx, query), ' AND '),
			sortBy: Prisma.sql`event.received_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`event.id`
		},
		query,
		async (id) => withCustomers(tx, await tx.stripeEvent.findMany({ where: { id }, select }))
	);
}

async function conditions(
	tx: Tx,
	{ q, filters: { type, state } }: { q: string; filters: { type?: string; state?: string } }
): Promise<Prisma.Sql[]> {
	const all = [Prisma.sql`true`];
	if (type) all.push(Prisma.sql`event.event_type = ${type}`);
	if (state && isEventState(state)) all.push(STATES[state]);
	if (!q) return all;
	// Whole ids are looked up; everything else is a company or a type, of which there are few.
	if (/^evt_\w+$/.test(q)) all.push(Prisma.sql`event.event_id = ${q}`);
	else if (/^cus_\w+$/.test(q)) all.push(Prisma.sql`event.stripe_customer_id = ${q}`);
	else {
		const types = (await eventTypes(tx)).filter((name) => name.includes(q.toLowerCase()));
		all.push(Prisma.sql`(event.event_type = ANY(${types}) OR event.stripe_customer_id = ANY(ARRAY(
			SELECT stripe_customer_id FROM customers
			WHERE lower(company_name || ' ' || full_name || ' ' || email) LIKE ${contains(q)} AND stripe_customer_id IS NOT NULL LIMIT 1000)))`);
	}
	return all;
}

const STATES = {
	applied: Prisma.sql`event.outcome = 'applied'`,
	ignored: Prisma.sql`event.outcome = 'ignored'`,
	unknown_object: Prisma.sql`event.outcome = 'unknown_object'`,
	failed: Prisma.sql`NOT event.processed AND event.error IS NOT NULL`,
	waiting: Prisma.sql`NOT event.processed AND event.error IS NULL`
};

/** Types that ever came. Jumps from one to the next in an index. */
export async function eventTypes(tx: Tx): Promise<string[]> {
	const rows = await tx.$queryRaw<{ type: string }[]>`
		WITH RECURSIVE seen AS (
			(SELECT event_type AS type FROM stripe_events ORDER BY event_type LIMIT 1)
			UNION ALL
			SELECT (SELECT next.event_type FROM stripe_events next WHERE next.event_type > seen.type ORDER BY next.event_type LIMIT 1)
			FROM seen WHERE seen.type IS NOT NULL
		)
		SELECT type FROM seen WHERE type IS NOT NULL`;
	return rows.map(({ type }) => type);
}

async function withCustomers(tx: Tx, events: Stored[]): Promise<EventRow[]> {
	const ids = [...new Set(events.flatMap(({ stripeCustomerId }) => stripeCustomerId ?? []))];
	const customers = await tx.customer.findMany({
		where: { stripeCustomerId: { in: ids } },
		select: { id: true, companyName: true, stripeCustomerId: true }
	});
	const known = new Map(customers.map((customer) => [customer.stripeCustomerId, customer]));
	return events.map((event) => {
		const found = event.stripeCustomerId ? known.get(event.stripeCustomerId) : undefined;
		return {
			...event,
			customer: found ? { id: found.id, companyName: found.companyName } : null
		};
	});
}

/**
 * An event with what Stripe sent, secrets taken out.
 * @throws {AppError} NOT_FOUND
 */
export async function eventPage(tx: Tx, id: string): Promise<EventRow & { payload: unknown }> {
	const event = await tx.stripeEvent.findUnique({
		where: { id },
		select: { ...select, payload: true }
	});
	if (!event) throw new AppError('NOT_FOUND');
	const { payload, ...stored } = event;
	const [row] = await withCustomers(tx, [stored]);
	return { ...row!, payload: withoutSecrets(payload) };
}

// What lets somebody pay, log in or read without being who it is for.
const SECRET = /secret|^(hosted_invoice_url|invoice_pdf|receipt_url|url|fingerprint)$/;

/** The same with every value gone that opens something. */
export function withoutSecrets(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(withoutSecrets);
	if (value === null || typeof value !== 'object') return value;
	return Object.fromEntries(
		Object.entries(value).map(([key, inner]) => [
			key,
			SECRET.test(key) && typeof inner === 'string' ? '•••' : withoutSecrets(inner)
		])
	);
}

/**
 * Queues an event once more that is not done. What was applied is not: reading the object again is the reconciler's.
 * @throws {AppError} NOT_FOUND, EVENT_DONE
 */
export async function processAgain(id: string, by: Actor): Promise<void> {
	const event = await db.stripeEvent.findUnique({ where: { id } });
	if (!event) throw new AppError('NOT_FOUND');
	if (event.processed && event.outcome === 'applied') throw new AppError('EVENT_DONE');
	await transaction(async (tx) => {
		await tx.stripeEvent.update({
			where: { id },
			data: { processed: false, outcome: null, error: null, processedAt: null, attempts: 0 }
		});
		await queueEvent(tx, factsOf(event.payload));
		await audit(tx, {
			...{ action: 'billing.event_again', actor: by, subject: { type: 'stripe-event', id } },
			after: { event: event.eventId, type: event.eventType }
		});
		await publish(tx, 'staff:billing', id);
	});
}
