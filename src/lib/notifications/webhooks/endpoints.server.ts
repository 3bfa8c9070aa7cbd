import { randomBytes, randomUUID } from 'node:crypto';
import type { WebhookEndpoint } from '#prisma/generated/client.ts';
import { encrypt } from '#lib/core/crypto.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { type Actor, audit } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { closeAlert } from '../alerts.server.ts';
import { addressProblem } from './way.server.ts';
import type { WebhookInput } from './webhookForms.ts';

/** Without the envelope of its secret. */
export type EndpointRow = Omit<WebhookEndpoint, 'secret'>;

/** What the envelope of an endpoint's secret is bound to. */
export function secretContext(endpointId: string): string {
	return `webhook:${endpointId}`;
}

/** What an alert about an endpoint that was paused is about. */
export function pausedAlert(endpointId: string) {
	return {
		rule: 'notifications.webhook-paused',
		...{ subjectType: 'webhook', subjectId: endpointId }
	};
}

/**
 * @returns the endpoint, and its secret in the clear: this once
 * @throws {AppError} BAD_INPUT for an address that nothing may be sent to
 */
export async function addEndpoint(
	tx: Tx,
	input: WebhookInput,
	by: Actor
): Promise<{ endpoint: EndpointRow; secret: string }> {
	await mayBeReached(input.url);
	const id = randomUUID();
	const secret = newSecret();
	const { secret: _envelope, ...endpoint } = await tx.webhookEndpoint.create({
		data: { id, ...input, secret: encrypt(secret, secretContext(id)) }
	});
	await audit(tx, {
		...{ actor: by, action: 'notifications.webhook_add' },
		...{ subject: { type: 'webhook', id }, after: shown(endpoint) }
	});
	await publish(tx, 'staff:webhooks', id);
	return { endpoint, secret };
}

/**
 * Changes an endpoint. Switched on again, it is no longer paused.
 * @param seen the revision that the person had before them
 * @throws {AppError} NOT_FOUND, CHANGED_MEANWHILE, BAD_INPUT
 */
export async function editEndpoint(
	tx: Tx,
	id: string,
	{ seen, input, by }: { seen: number; input: WebhookInput; by: Actor }
): Promise<EndpointRow> {
	const before = await findEndpoint(tx, id);
	await mayBeReached(input.url);
	const { count } = await tx.webhookEndpoint.updateMany({
		where: { id, revision: seen },
		data: {
			...{ ...input, revision: { increment: 1 } },
			...(input.enabled && before.pausedAt && { pausedAt: null, failingSince: null })
		}
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	if (input.enabled) await closeAlert(tx, pausedAlert(id));
	const after = await findEndpoint(tx, id);
	await audit(tx, {
		...{ actor: by, action: 'notifications.webhook_edit' },
		subject: { type: 'webhook', id },
		...{ before: shown(before), after: shown(after) }
	});
	await publish(tx, 'staff:webhooks', id);
	return after;
}

/** Gives an endpoint another secret; the one before signs nothing any more. @returns it in the clear: this once */
export async function replaceSecret(tx: Tx, id: string, by: Actor): Promise<string> {
	await findEndpoint(tx, id);
	const secret = newSecret();
	await tx.webhookEndpoint.update({
		where: { id },
		data: { secret: encrypt(secret, secretContext(id)), revision: { increment: 1 } }
	});
	await audit(tx, {
		...{ actor: by, action: 'notifications.webhook_secret' },
		subject: { type: 'webhook', id }
	});
	await publish(tx, 'staff:webhooks', id);
	return secret;
}

/** Takes an endpoint away, with what was sent to it. @throws {AppError} NOT_FOUND */
export async function removeEndpoint(tx: Tx, id: string, by: Actor): Promise<EndpointRow> {
	const endpoint = await findEndpoint(tx, id);
	await closeAlert(tx, pausedAlert(id));
	await tx.webhookEndpoint.delete({ where: { id } });
	await audit(tx, {
		...{ actor: by, action: 'notifications.webhook_remove' },
		...{ subject: { type: 'webhook', id }, before: shown(endpoint) }
	});
	await publish(tx, 'staff:webhooks', id);
	return endpoint;
}

/** @throws {AppError} NOT_FOUND */
export async function findEndpoint(tx: Tx, id: string): Promise<EndpointRow> {
	const endpoint = await tx.webhookEndpoint.findUnique({ where: { id }, omit: { secret: true } });
	if (!endpoint) throw new AppError('NOT_FOUND');
	return endpoint;
}

const PROBLEMS = {
	scheme: m.webhook_url_https,
	credentials: m.webhook_url_credentials,
	private: m.webhook_url_private
};

async function mayBeReached(url: string): Promise<void> {
	const problem = await addressProblem(new URL(url));
	if (problem) throw new AppError('BAD_INPUT', { fields: { url: PROBLEMS[problem]() } });
}

function newSecret(): string {
	return `whsec_${randomBytes(32).toString('base64url')}`;
}

/** The address by its host alone: some carry a key in their path. */
function shown({ name, url, events, enabled }: EndpointRow) {
	return { name, host: new URL(url).host, events: events.join(', '), enabled };
}
