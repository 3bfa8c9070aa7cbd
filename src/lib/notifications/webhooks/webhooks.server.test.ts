import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { DAY, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import { acknowledgeAlert, closeAlert, openAlert } from '../alerts.server.ts';
import '../jobs.server.ts';
import { queueWebhooks, retryDelivery, sendTest } from './deliveries.server.ts';
import { deliverWebhook, pruneDeliveries, TRIES } from './deliver.server.ts';
import { addEndpoint, editEndpoint, removeEndpoint, replaceSecret } from './endpoints.server.ts';
import { WEBHOOK_EVENTS } from './webhookEvents.ts';

await testDatabase();
await testQueue({ work: false });

const by = { ...SYSTEM, label: 'ana@example.com' };
const heard: { body: string; signature: string; path: string }[] = [];
let answer: { status: number; location?: string } | 'nothing' = { status: 204 };
const server = createServer((request, response) => {
	const chunks: Buffer[] = [];
	request.on('data', (chunk: Buffer) => chunks.push(chunk));
	request.on('end', () => {
		const signature = String(request.headers['x-erp-signature']);
		heard.push({
			...{ body: Buffer.concat(chunks).toString('utf8'), signature },
			path: `${request.method} ${request.url}`
		});
		if (answer === 'nothing') return request.socket.destroy();
		response.writeHead(answer.status, answer.location ? { location: answer.location } : {}).end();
	});
});
await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
const { port } = server.address() as AddressInfo;
const url = `http://127.0.0.1:${port}/alertas`;
afterAll(() => server.close());

const allowLoopback = async (value: boolean) => {
	const key = 'notifications.webhook_loopback';
	await db.setting.upsert({
		where: { key },
		create: { key, category: 'notifications', value },
		update: { value }
	});
	forgetSettings();
};
const INPUT = { name: 'Guardia', url, enabled: true, events: [...WEBHOOK_EVENTS] };
const add = (change = {}) => transaction((tx) => addEndpoint(tx, { ...INPUT, ...change }, by));
const say = (dedupeKey = 'alert.opened:1') =>
	transaction((tx) =>
		queueWebhooks(tx, 'alert.opened', [{ data: { alert: { id: '1' } }, dedupeKey }])
	);
const deliveries = () => db.webhookDelivery.findMany({ orderBy: { createdAt: 'asc' } });
const only = async () => (await deliveries())[0]!;
const jobs = async () =>
	Number(
		(
			await db.$queryRaw<{ jobs: bigint }[]>`
				SELECT count(*) AS jobs FROM pgboss.job WHERE name = 'notifications.deliver-webhook'`
		)[0]!.jobs
	);

beforeEach(async () => {
	setClockOffset(0);
	heard.length = 0;
	answer = { status: 204 };
	await db.webhookEndpoint.deleteMany();
	await db.alert.deleteMany();
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'notifications.deliver-webhook'`;
	await allowLoopback(true);
});
afterEach(() => setClockOffset(0));

it('delivers once what can be verified with the secret that was shown once', async () => {
	const { endpoint, secret } = await add();
	await say();
	await say();
	expect(await jobs()).toBe(1);
	const { id } = await only();
	await deliverWebhook(id);
	await deliverWebhook(id);
	expect(heard).toHaveLength(1);
	const [{ body, signature, path }] = [heard[0]!];
	expect(path).toBe('POST /alertas');
	const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature)!;
	expect(createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')).toBe(v1);
	expect(Math.abs(Number(t) * 1000 - Date.now())).toBeLessThan(60_000);
	expect(JSON.parse(body)).toEqual({
		...{ id, event: 'alert.opened', created_at: expect.any(String) },
		data: { alert: { id: '1' } }
	});
	expect(await only()).toMatchObject({
		...{ status: 'delivered', attempts: 1, responseStatus: 204, error: null }
	});
	const kept = await db.webhookEndpoint.findUniqueOrThrow({ where: { id: endpoint.id } });
	expect(kept.secret).not.toContain(secret);
	const entries = await db.auditEntry.findMany({ select: { before: true, after: true } });
	expect(JSON.stringify(entries)).not.toContain(secret);
});

it('signs with another secret from the moment that it is replaced', async () => {
	const { endpoint, secret } = await add();
	const next = await transaction((tx) => replaceSecret(tx, endpoint.id, by));
	expect(next).not.toBe(secret);
	await say();
	await deliverWebhook((await only()).id);
	const [, t, v1] = /^t=(\d+),v1=(\w+)$/.exec(heard[0]!.signature)!;
	const signed = (key: string) =>
		createHmac('sha256', key).update(`${t}.${heard[0]!.body}`).digest('hex');
	expect([signed(next) === v1, signed(secret) === v1]).toEqual([true, false]);
});

it('tells what becomes of an alert to who listens, without its raw facts', async () => {
	await db.alertRule.create({
		data: { key: 'tests.broken', metric: 'x', severity: 'critical', channels: ['webhook'] }
	});
	await add();
	await add({ name: 'Otra', events: ['alert.closed'] });
	const subject = { rule: 'tests.broken', subjectType: 'node', subjectId: 'n1' };
	const data = { node: 'pve1', reason: 'token root@pam!x=s3cr3t was refused' };
	await transaction(async (tx) => {
		const { id } = (await openAlert(tx, { ...subject, severity: 'critical', data }))!;
		await acknowledgeAlert(tx, id, { by, note: null });
		await closeAlert(tx, subject);
	});
	const sent = await deliveries();
	expect(sent.map(({ event }) => event).sort()).toEqual([
		...['alert.acknowledged', 'alert.closed', 'alert.closed', 'alert.opened']
	]);
	expect(sent[0]!.payload).toMatchObject({
		alert: {
			...{ rule: 'tests.broken', severity: 'critical', subject: { type: 'node', id: 'n1' } },
			url: expect.stringMatching(/^http:\/\/localhost:4443\/admin\/infrastructure/)
		}
	});
	expect(JSON.stringify(sent)).not.toContain('s3cr3t');
});

describe('a delivery that does not arrive', () => {
	it('is tried again until a night is over, and then when somebody presses Retry', async () => {
		answer = { status: 500 };
		await add();
		await say();
		const { id } = await only();
		for (let tries = 1; tries < TRIES; tries++)
			await expect(deliverWebhook(id)).rejects.toThrow('status');
		expect(await only()).toMatchObject({ status: 'queued', responseStatus: 500, error: 'status' });
		await deliverWebhook(id);
		expect(await only()).toMatchObject({ status: 'failed', attempts: TRIES });
		await deliverWebhook(id);
		expect(heard).toHaveLength(TRIES);

		answer = { status: 200 };
		await transaction((tx) => retryDelivery(tx, id, by));
		await expect(transaction((tx) => retryDelivery(tx, id, by))).rejects.toMatchObject({
			code: 'CHANGED_MEANWHILE'
		});
		await deliverWebhook(id);
		expect(await only()).toMatchObject({ status: 'delivered', attempts: TRIES + 1 });
		expect(new Set(heard.map(({ body }) => body)).size).toBe(1);
	});

	it('follows no redirect, and notes what is lost on the way', async () => {
		await add();
		await say();
		const { id } = await only();
		answer = { status: 307, location: `http://127.0.0.1:${port}/else` };
		await expect(deliverWebhook(id)).rejects.toThrow('redirect');
		answer = 'nothing';
		await expect(deliverWebhook(id)).rejects.toThrow('lost');
		expect(heard.map(({ path }) => path)).toEqual(['POST /alertas', 'POST /alertas']);
	});

	it('pauses its endpoint after days, with an alert, until staff switch it on again', async () => {
		answer = { status: 503 };
		const { endpoint } = await add();
		await say('1');
		await expect(deliverWebhook((await only()).id)).rejects.toThrow('status');
		setClockOffset(3 * DAY + 1_000);
		await say('2');
		const [, second] = await deliveries();
		await expect(deliverWebhook(second!.id)).rejects.toThrow('status');
		const paused = await db.webhookEndpoint.findUniqueOrThrow({ where: { id: endpoint.id } });
		expect(paused).toMatchObject({ enabled: false, pausedAt: expect.any(Date) });
		expect(await db.alert.findMany({ where: { closedAt: null } })).toMatchObject([
			{ rule: 'notifications.webhook-paused', subjectId: endpoint.id }
		]);
		await say('3');
		expect(await deliveries()).toHaveLength(2);
		await deliverWebhook(second!.id);
		expect((await deliveries())[1]).toMatchObject({ status: 'failed', error: 'off' });

		await transaction((tx) =>
			editEndpoint(tx, endpoint.id, { seen: paused.revision, input: INPUT, by })
		);
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(0);
		expect(await db.webhookEndpoint.findFirst()).toMatchObject({
			...{ enabled: true, pausedAt: null, failingSince: null }
		});
	});

	it('of a test says nothing about its endpoint, and is sent although that is off', async () => {
		const { endpoint } = await add({ enabled: false });
		const { id } = await transaction((tx) => sendTest(tx, endpoint.id, by));
		answer = { status: 404 };
		await expect(deliverWebhook(id)).rejects.toThrow('status');
		expect(await db.webhookEndpoint.findFirst()).toMatchObject({ failingSince: null });
		answer = { status: 200 };
		await deliverWebhook(id);
		expect(JSON.parse(heard.at(-1)!.body)).toMatchObject({ event: 'webhook.test' });
	});
});

describe('our own network', () => {
	it.each([
		['http://example.com/x'],
		['https://10.0.0.5/x'],
		['https://[::ffff:10.0.0.5]/x'],
		['https://169.254.169.254/latest/meta-data'],
		['https://2130706433/x'],
		['https://user:pass@example.com/x']
	])('is not where %s may lead', async (address) => {
		await allowLoopback(false);
		await expect(add({ url: address })).rejects.toMatchObject({
			fields: { url: expect.any(String) }
		});
	});

	it('is reached on this machine alone, and only while the setting says so', async () => {
		await add();
		await say();
		await allowLoopback(false);
		await expect(add()).rejects.toMatchObject({ fields: { url: expect.any(String) } });
		await deliverWebhook((await only()).id);
		expect(await only()).toMatchObject({ status: 'failed', error: 'scheme' });
		expect(heard).toEqual([]);
	});
});

it('goes with what was sent to it, and what is old goes by itself', async () => {
	const { endpoint } = await add();
	await say('1');
	await deliverWebhook((await only()).id);
	expect(await pruneDeliveries()).toBe(0);
	setClockOffset(31 * DAY);
	await say('2');
	expect(await pruneDeliveries()).toBe(1);
	await transaction((tx) => removeEndpoint(tx, endpoint.id, by));
	expect(await deliveries()).toEqual([]);
});

it('is changed by the first of two editors', async () => {
	const { endpoint } = await add();
	const edit = (name: string) =>
		transaction((tx) =>
			editEndpoint(tx, endpoint.id, { seen: endpoint.revision, input: { ...INPUT, name }, by })
		);
	const both = await Promise.allSettled([edit('una'), edit('otra')]);
	expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});
