import type { Tx } from '#lib/core/db.server.ts';

export interface StripeFeedEntry {
	id: string;
	type: string;
	receivedAt: Date;
	processed: boolean;
	/** applied, ignored or unknown_object; null while it is not processed. */
	outcome: string | null;
	error: string | null;
	/** Null when the event names none of our customers. */
	company: string | null;
	/** Minor units; null when the object carries no amount. */
	amount: number | null;
	currency: string | null;
}

/** Stripe's latest events with whom and how much they are about, newest first. */
export function stripeFeed(tx: Tx, take: number): Promise<StripeFeedEntry[]> {
	return tx.$queryRaw<StripeFeedEntry[]>`
		SELECT event.event_id AS id, event.event_type AS type, event.received_at AS "receivedAt", event.processed,
			event.outcome, event.error, customer.company_name AS company,
			coalesce(object->'amount_paid', object->'amount_total', object->'amount')::text::float8 AS amount,
			object->>'currency' AS currency
		FROM (SELECT *, payload->'data'->'object' AS object FROM stripe_events ORDER BY received_at DESC LIMIT ${take}) event
		LEFT JOIN customers customer ON customer.stripe_customer_id = event.stripe_customer_id
		ORDER BY event.received_at DESC`;
}
