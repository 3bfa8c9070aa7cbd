import { db } from '#lib/core/db.server.ts';

/**
 * Strips what Stripe's events say of a customer: that they came, of what kind and about which object stays. Whatever is
 * done with one later is read from Stripe anyway.
 */
export async function eraseEvents(customerId: string): Promise<void> {
	await db.$executeRaw`
		UPDATE stripe_events event SET payload = jsonb_build_object(
			'id', event.payload->'id', 'object', 'event', 'type', event.payload->'type', 'created', event.payload->'created',
			'data', jsonb_build_object('object', jsonb_build_object(
				'id', event.payload#>'{data,object,id}', 'object', event.payload#>'{data,object,object}')))
		FROM customers customer
		WHERE customer.id = ${customerId}::uuid AND customer.stripe_customer_id = event.stripe_customer_id
			AND event.processed`;
}
