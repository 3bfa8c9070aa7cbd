import type Stripe from 'stripe';
import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { verifyWebhook } from '#lib/integrations/stripe/stripe.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { applyEvent, type EventOutcome } from './eventEffects.server.ts';

/** What of an event we rely on. Everything else is read from Stripe again. */
const eventShape = z.object({
	id: z.string().min(1).max(255),
	type: z.string().min(1).max(255),
	created: z.number().int(),
	data: z.object({
		object: z.looseObject({
			object: z.string(),
			id: z.string().optional(),
			customer: z.union([z.string(), z.looseObject({ id: z.string() })]).nullish(),
			payment_intent: z.union([z.string(), z.looseObject({ id: z.string() })]).nullish(),
			charge: z.union([z.string(), z.looseObject({ id: z.string() })]).nullish()
		})
	})
});
export type EventFacts = z.infer<typeof eventShape>;

/**
 * Takes a webhook: verified on its raw bytes, kept once, and queued in the same transaction.
 * @returns `duplicate` when we have it already
 * @throws {BadSignature} when it is forged or older than 300 seconds
 * @throws {AppError} BAD_INPUT when it is signed but not an event
 */
export async function receiveStripeEvent(
	rawBody: Buffer,
	signature: string
): Promise<'accepted' | 'duplicate'> {
	const event = verifyWebhook(rawBody, signature, await setting('stripe.webhook_secret'));
	const fresh = await transaction((tx) => keepEvent(tx, event));
	return fresh ? 'accepted' : 'duplicate';
}

/**
 * Keeps an event that is known to be Stripe's, and queues it.
 * @returns false when we have it already
 * @throws {AppError} BAD_INPUT when it has not the shape of an event
 */
export async function keepEvent(tx: Tx, event: Stripe.Event): Promise<boolean> {
	const facts = eventShape.safeParse(event);
	if (!facts.success) throw new AppError('BAD_INPUT', { detail: facts.error.message });
	const { count } = await tx.stripeEvent.createMany({
		data: [
			{
				eventId: facts.data.id,
				eventType: facts.data.type,
				stripeCustomerId: customerOf(facts.data),
				payload: event as unknown as Prisma.InputJsonObject,
				createdAt: new Date(facts.data.created * 1000)
			}
		],
		skipDuplicates: true
	});
	if (count === 0) return false;
	await queueEvent(tx, facts.data);
	return true;
}

/** Events of one customer are worked on one at a time, in the order of their arrival. */
export async function queueEvent(tx: Tx, facts: EventFacts): Promise<void> {
	const { object } = facts.data;
	const key =
		customerOf(facts) ?? reference(object.payment_intent) ?? reference(object.charge) ?? facts.id;
	await enqueue(tx, 'billing.process-event', { eventId: facts.id }, { key });
}

/** An event that gave this many errors in a row is left to the periodic look, so that it holds up no other. */
const ATTEMPTS = 8;

/**
 * Brings what an event is about up to date: the object is read from Stripe again, so that neither the order of events
 * nor how often they come makes a difference.
 * @returns the outcome; null when it was not (or never) to be done
 * @throws what reading from Stripe throws, for the queue to try again; at the last attempt nothing
 */
export async function processEvent(eventId: string): Promise<EventOutcome | null> {
	const event = await db.stripeEvent.findUnique({ where: { eventId } });
	if (!event || event.processed) return null;
	const facts = eventShape.parse(event.payload);
	let outcome: EventOutcome;
	try {
		outcome = await applyEvent(facts);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		const { attempts } = await db.stripeEvent.update({
			where: { eventId },
			data: { attempts: { increment: 1 }, error: message.slice(0, 1_000) }
		});
		if (attempts % ATTEMPTS === 0) return null;
		throw error;
	}
	await transaction(async (tx) => {
		await tx.stripeEvent.update({
			where: { eventId },
			data: {
				processed: true,
				outcome,
				error: null,
				attempts: { increment: 1 },
				processedAt: now()
			}
		});
		await publish(tx, 'staff:billing', event.id);
	});
	return outcome;
}

/** The facts of a stored event. */
export function factsOf(payload: unknown): EventFacts {
	return eventShape.parse(payload);
}

/** Stripe's customer that an event is about, or whose object it is. */
export function customerOf({ data: { object } }: EventFacts): string | null {
	if (object.object === 'customer') return object.id ?? null;
	return reference(object.customer);
}

function reference(value: string | { id: string } | null | undefined): string | null {
	return typeof value === 'string' ? value : (value?.id ?? null);
}
