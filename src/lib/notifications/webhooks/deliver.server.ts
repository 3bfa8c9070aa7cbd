import { decrypt } from '#lib/core/crypto.server.ts';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { PublicAnswer } from '#lib/integrations/dns/public-fetch.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import type { WebhookDelivery, WebhookEndpoint } from '#prisma/generated/client.ts';
import { openAlert } from '../alerts.server.ts';
import { pausedAlert, secretContext } from './endpoints.server.ts';
import { SIGNATURE_HEADER, signatureOf } from './signature.server.ts';
import { addressProblem, post } from './way.server.ts';

/** With the queue's pauses in between this is a night; then it waits for somebody to press Retry. */
export const TRIES = 15;
/** An endpoint to which nothing could be delivered for so long is not asked any more. */
const PAUSE_AFTER_DAYS = 3;
const KEEP_DAYS = 30;

/**
 * Sends one delivery, once: each try with the same id and a fresh signature. What is refused for good is noted.
 * @throws {VendorError} when a later try may work
 */
export async function deliverWebhook(deliveryId: string): Promise<void> {
	const found = await db.webhookDelivery.findUnique({
		where: { id: deliveryId },
		include: { endpoint: true }
	});
	if (!found || found.status !== 'queued') return;
	const { endpoint, ...delivery } = found;
	if (!endpoint.enabled && delivery.event !== 'webhook.test')
		return note(delivery, endpoint, { error: 'off', isFinal: true });
	// Counted before it leaves: a worker that dies now has tried.
	const { attempts } = await db.webhookDelivery.update({
		where: { id: deliveryId },
		data: { attempts: { increment: 1 }, lastTriedAt: now() },
		select: { attempts: true }
	});
	const problem = await addressProblem(new URL(endpoint.url));
	if (problem) return note(delivery, endpoint, { error: problem, isFinal: true });
	const answer = await send(delivery, endpoint);
	if (answer.kind === 'answered' && answer.status >= 200 && answer.status < 300)
		return arrived(delivery, answer.status);
	const outcome = outcomeOf(answer);
	const isFinal = outcome.error === 'private_address' || attempts % TRIES === 0;
	await note(delivery, endpoint, { ...outcome, isFinal });
	if (isFinal) return;
	throw new VendorError({
		...{ vendor: 'webhook', operation: 'webhook.deliver', retryable: true },
		message: `${new URL(endpoint.url).host}: ${outcome.error}`
	});
}

function send(delivery: WebhookDelivery, endpoint: WebhookEndpoint): Promise<PublicAnswer> {
	const body = JSON.stringify({
		id: delivery.id,
		event: delivery.event,
		created_at: delivery.createdAt.toISOString(),
		data: delivery.payload
	});
	const secret = decrypt(endpoint.secret, secretContext(endpoint.id));
	return post(endpoint.url, {
		headers: {
			'content-type': 'application/json',
			// Receivers compare it with their own clock, so it is the world's time and not the one that the sandbox moves.
			[SIGNATURE_HEADER]: signatureOf(body, secret, new Date())
		},
		body
	});
}

interface Outcome {
	/** A code of `webhookProblem`, with a colon and the machine's own words behind it where there are some. */
	error: string;
	responseStatus?: number;
}

function outcomeOf(answer: PublicAnswer): Outcome {
	if (answer.kind === 'unreachable')
		return {
			error:
				answer.reason === 'private_address'
					? 'private_address'
					: `${answer.reason}: ${answer.detail.slice(0, 300)}`
		};
	const isRedirect = answer.status >= 300 && answer.status < 400;
	return { error: isRedirect ? 'redirect' : 'status', responseStatus: answer.status };
}

async function arrived({ id, endpointId }: WebhookDelivery, status: number): Promise<void> {
	await transaction(async (tx) => {
		await tx.webhookDelivery.update({
			where: { id },
			data: { status: 'delivered', deliveredAt: now(), responseStatus: status, error: null }
		});
		await tx.webhookEndpoint.updateMany({
			where: { id: endpointId, failingSince: { not: null } },
			data: { failingSince: null }
		});
		await publish(tx, 'staff:webhooks', endpointId);
	});
}

async function note(
	{ id, event }: WebhookDelivery,
	endpoint: WebhookEndpoint,
	{ error, responseStatus, isFinal }: Outcome & { isFinal: boolean }
): Promise<void> {
	await transaction(async (tx) => {
		await tx.webhookDelivery.update({
			where: { id },
			data: {
				...{ error, responseStatus: responseStatus ?? null },
				...(isFinal && { status: 'failed' })
			}
		});
		// What was only tried out says nothing about the endpoint.
		if (event !== 'webhook.test' && endpoint.enabled) await countFailure(tx, endpoint.id);
		await publish(tx, 'staff:webhooks', endpoint.id);
	});
}

/** Nothing arrives for days: it is paused, and staff are told. */
async function countFailure(tx: Tx, id: string): Promise<void> {
	await tx.webhookEndpoint.updateMany({
		where: { id, failingSince: null },
		data: { failingSince: now() }
	});
	const { count } = await tx.webhookEndpoint.updateMany({
		where: { id, enabled: true, failingSince: { lte: after(now(), -PAUSE_AFTER_DAYS * DAY) } },
		data: { enabled: false, pausedAt: now(), revision: { increment: 1 } }
	});
	if (count === 0) return;
	const { name } = await tx.webhookEndpoint.findUniqueOrThrow({ where: { id } });
	await openAlert(tx, {
		...pausedAlert(id),
		...{ severity: 'warning', data: { name, days: PAUSE_AFTER_DAYS } }
	});
}

/** Drops what was said long ago. @returns how many deliveries */
export async function pruneDeliveries(): Promise<number> {
	const { count } = await db.webhookDelivery.deleteMany({
		where: { createdAt: { lt: after(now(), -KEEP_DAYS * DAY) }, status: { not: 'queued' } }
	});
	return count;
}
