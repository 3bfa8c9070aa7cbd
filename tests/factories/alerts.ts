import { randomUUID } from 'node:crypto';
import { encrypt } from '#lib/core/crypto.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { secretContext } from '#lib/notifications/webhooks/endpoints.server.ts';

/** An alert that is open and that nobody was told of. */
export function anAlert(tx: Tx, rule = 'infrastructure.node-offline') {
	const data = { node: 'pve9' };
	return tx.alert.create({
		data: { rule, subjectType: 'node', subjectId: randomUUID(), severity: 'critical', data }
	});
}

/** A silence of an hour of one rule. */
export function aSilence(tx: Tx) {
	const until = new Date(Date.now() + 3_600_000);
	return tx.alertSilence.create({
		data: { rule: 'infrastructure.node-cpu', reason: 'obras', byLabel: 'tests', until }
	});
}

/** An endpoint where nobody listens. */
export function aWebhook(tx: Tx) {
	const id = randomUUID();
	return tx.webhookEndpoint.create({
		data: {
			...{ id, name: `guardia-${id.slice(0, 8)}`, url: 'https://alerts.example.com/in' },
			...{ events: ['alert.opened'], secret: encrypt('whsec_tests', secretContext(id)) }
		}
	});
}

/** Something that did not arrive there. */
export async function aDelivery(tx: Tx) {
	const { id: endpointId } = await aWebhook(tx);
	return tx.webhookDelivery.create({
		data: {
			...{ endpointId, event: 'alert.opened', payload: {}, dedupeKey: randomUUID() },
			...{ status: 'failed', attempts: 15, error: 'timeout' }
		}
	});
}
