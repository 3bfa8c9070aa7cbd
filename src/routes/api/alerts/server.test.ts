import { expect, test } from 'vitest';
import { requestEvent } from '../../../../tests/access/event.ts';
import { aDelivery, anAlert } from '../../../../tests/factories/alerts.ts';
import { bearerFor, createStaff } from '../../../../tests/factories/identity.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { db } from '#lib/core/db.server.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });
// What a request goes through reads the environment as it is loaded.
const { handle } = await import('../../../hooks.server.ts');
const alerts = await import('./+server.ts');
const acknowledge = await import('./[id]/acknowledge/+server.ts');
const rules = await import('./rules/+server.ts');
const rule = await import('./rules/[id]/+server.ts');
const silences = await import('./silences/+server.ts');
const silence = await import('./silences/[id]/+server.ts');
const webhooks = await import('../webhooks/+server.ts');
const deliveries = await import('../webhooks/[id]/deliveries/+server.ts');
const retry = await import('../webhooks/deliveries/[id]/retry/+server.ts');

const staff = await createStaff('administrator');
const writer = await bearerFor(staff, [
	...(['notifications:read', 'notifications:write'] as const),
	...(['settings:read', 'settings:write'] as const)
]);

interface Ask {
	/** Of the route, with `[id]`. */
	path: string;
	id?: string;
	method?: string;
	body?: object;
	search?: string;
}

async function ask(handler: typeof alerts.GET, { path, id, method = 'GET', body, search }: Ask) {
	const event = requestEvent({
		...{ routeId: `/api/${path}`, params: id ? { id } : {}, method },
		headers: { authorization: writer, ...(body ? { 'content-type': 'application/json' } : {}) },
		...(body ? { body: JSON.stringify(body) } : {})
	});
	event.url.search = search ?? '';
	const response = await handle({ event, resolve: () => handler(event) });
	return { status: response.status, ...(await response.json()) };
}

test('alerts are listed by state, silenced, and taken on', async () => {
	const { id, subjectId } = await anAlert(db);
	const listed = (state = '') => ask(alerts.GET, { path: 'alerts', search: state });
	expect((await listed()).data).toMatchObject([
		{
			...{ id, state: 'open', rule: 'infrastructure.node-offline', severity: 'critical' },
			...{ message: expect.stringContaining('pve9'), subject: { type: 'node', id: subjectId } }
		}
	]);
	const body = { subject: `node ${subjectId}`, hours: 4, reason: 'cambio de disco' };
	const made = await ask(silences.POST, { path: 'alerts/silences', method: 'POST', body });
	expect(made).toMatchObject({ status: 201, data: { rule: null, subject: { id: subjectId } } });
	expect((await listed()).data).toEqual([]);
	expect((await listed('?state=silenced')).data).toMatchObject([{ id, state: 'silenced' }]);
	const over = { path: 'alerts/silences/[id]', id: made.data.id, method: 'DELETE' };
	expect(await ask(silence.DELETE, over)).toMatchObject({
		...{ status: 200, data: { ended_at: expect.any(String) } }
	});
	expect((await ask(silence.DELETE, over)).status).toBe(409);
	expect(
		(await ask(silences.GET, { path: 'alerts/silences', search: '?state=ended' })).data
	).toHaveLength(1);

	const taken = { path: 'alerts/[id]/acknowledge', id, method: 'POST', body: { note: 'voy' } };
	expect(await ask(acknowledge.POST, taken)).toMatchObject({
		data: { state: 'acknowledged', acknowledged_note: 'voy' }
	});
	expect((await ask(acknowledge.POST, taken)).status).toBe(409);
});

test('a rule is added, changed by the first of two, and removed; what is wrong is said beside its field', async () => {
	const terms = {
		threshold: 90,
		samples: 2,
		hysteresis: 5,
		severity: 'warning',
		channels: ['web']
	};
	const path = 'alerts/rules';
	const made = await ask(rules.POST, {
		path,
		method: 'POST',
		body: { metric: 'node.ram', ...terms }
	});
	expect(made).toMatchObject({
		...{ status: 201 },
		data: {
			key: 'own.node-ram-1',
			unit: 'percent',
			critical_at: null,
			built_in: false,
			revision: 1
		}
	});
	const { id } = made.data;
	const one = { path: 'alerts/rules/[id]', id, method: 'PUT' };
	const change = (body: object) =>
		ask(rule.PUT, { ...one, body: { ...terms, revision: 1, ...body } });
	expect((await change({ critical_at: 80 })).fields).toEqual({ critical_at: expect.any(String) });
	expect(await change({ threshold: 70 })).toMatchObject({ data: { threshold: 70, revision: 2 } });
	expect((await change({ threshold: 60 })).status).toBe(409);
	expect((await ask(rules.GET, { path, search: '?state=own' })).data).toHaveLength(1);
	expect((await ask(rule.DELETE, { ...one, method: 'DELETE' })).status).toBe(200);
	const { id: builtIn } = await db.alertRule.findFirstOrThrow({ where: { builtIn: true } });
	expect((await ask(rule.DELETE, { ...one, id: builtIn, method: 'DELETE' })).status).toBe(404);
	expect(
		(await ask(rules.POST, { path, method: 'POST', body: { metric: 'x', ...terms } })).status
	).toBe(400);
});

test('webhooks are listed without their secrets, and a delivery is sent again once', async () => {
	const { id, endpointId } = await aDelivery(db);
	const listed = await ask(webhooks.GET, { path: 'webhooks' });
	expect(listed.data).toMatchObject([{ id: endpointId, enabled: true, revision: 1 }]);
	expect(JSON.stringify(listed)).not.toMatch(/secret/);
	const sent = await ask(deliveries.GET, { path: 'webhooks/[id]/deliveries', id: endpointId });
	expect(sent.data).toMatchObject([{ id, status: 'failed', error: 'timeout', attempts: 15 }]);
	const again = { path: 'webhooks/deliveries/[id]/retry', id, method: 'POST' };
	expect(await ask(retry.POST, again)).toMatchObject({ status: 202, data: { status: 'queued' } });
	expect((await ask(retry.POST, again)).status).toBe(409);
	const body = { name: 'X', url: 'https://10.1.2.3/', events: ['alert.opened'] };
	const refused = await ask(webhooks.POST, { path: 'webhooks', method: 'POST', body });
	expect([400, 403]).toContain(refused.status);
});
