import { randomUUID } from 'node:crypto';
import type { Prisma, WebhookDelivery } from '#prisma/generated/client.ts';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { type Actor, audit } from '#lib/logs/audit.server.ts';
import type { WEBHOOK_EVENTS } from './webhookEvents.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'notifications.deliver-webhook': { deliveryId: string };
	}
}

export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** One thing to say. */
interface WebhookItem {
	/** Without secrets: it leaves us. */
	data: Prisma.InputJsonObject;
	/** The same thing is said once to each endpoint. */
	dedupeKey: string;
}

/** Writes, as part of `tx`, that every endpoint which listens to `event` is to be told, and the jobs that do it. */
export async function queueWebhooks(
	tx: Tx,
	event: WebhookEvent,
	items: WebhookItem[]
): Promise<void> {
	const endpoints = await tx.webhookEndpoint.findMany({
		where: { enabled: true, events: { has: event } },
		select: { id: true }
	});
	for (const { id } of endpoints) await queueDeliveries(tx, id, event, items);
}

/** Sends the endpoint something that means nothing, so that whoever set it up sees it arrive. @throws {AppError} NOT_FOUND */
export async function sendTest(tx: Tx, endpointId: string, by: Actor): Promise<WebhookDelivery> {
	const endpoint = await tx.webhookEndpoint.findUnique({ where: { id: endpointId } });
	if (!endpoint) throw new AppError('NOT_FOUND');
	const test = {
		dedupeKey: `test:${randomUUID()}`,
		data: { message: 'ERP Core', sent_by: by.label }
	};
	const [delivery] = await queueDeliveries(tx, endpointId, 'webhook.test', [test]);
	return delivery!;
}

/**
 * Sends a delivery that failed again, under the same id.
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when it is on its way or arrived
 */
export async function retryDelivery(tx: Tx, id: string, by: Actor): Promise<WebhookDelivery> {
	const { count } = await tx.webhookDelivery.updateMany({
		where: { id, status: 'failed' },
		data: { status: 'queued' }
	});
	const delivery = await tx.webhookDelivery.findUnique({ where: { id } });
	if (!delivery) throw new AppError('NOT_FOUND');
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await audit(tx, {
		...{ actor: by, action: 'notifications.webhook_retry' },
		subject: { type: 'webhook', id: delivery.endpointId },
		after: { event: delivery.event, delivery: id }
	});
	await enqueue(tx, 'notifications.deliver-webhook', { deliveryId: id });
	await publish(tx, 'staff:webhooks', delivery.endpointId);
	return delivery;
}

async function queueDeliveries(
	tx: Tx,
	endpointId: string,
	event: string,
	items: WebhookItem[]
): Promise<WebhookDelivery[]> {
	const rows = await tx.webhookDelivery.createManyAndReturn({
		data: items.map(({ data, dedupeKey }) => ({
			...{ endpointId, event, payload: data, dedupeKey, createdAt: now() }
		})),
		// A unique violation would end the caller's transaction.
		skipDuplicates: true
	});
	for (const { id } of rows) await enqueue(tx, 'notifications.deliver-webhook', { deliveryId: id });
	if (rows.length > 0) await publish(tx, 'staff:webhooks', endpointId);
	return rows;
}
