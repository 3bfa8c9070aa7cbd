import type { RequestHandler } from '@sveltejs/kit';
import { beforeEach, describe, expect, test } from 'vitest';
import { requestEvent } from '../../../../tests/access/event.ts';
import { bearerFor, createStaff } from '../../../../tests/factories/identity.ts';
import { BY, testActs } from '../../../../tests/setup/containerActs.ts';
import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { reapActs } from '#lib/infrastructure/containers/actJobs.server.ts';
import { runAct } from '#lib/infrastructure/containers/actRun.server.ts';
import { askForAct, retryAct } from '#lib/infrastructure/containers/acts.server.ts';

const { pve, made, guest, untilEnded, ask: wish } = await testActs();
// What a request goes through reads the environment as it is loaded.
const { handle } = await import('../../../hooks.server.ts');
const list = await import('./+server.ts');
const one = await import('./[id]/+server.ts');
const verbs = {
	start: await import('./[id]/start/+server.ts'),
	stop: await import('./[id]/stop/+server.ts'),
	restart: await import('./[id]/restart/+server.ts'),
	resize: await import('./[id]/resize/+server.ts'),
	snapshot: await import('./[id]/snapshot/+server.ts'),
	rollback: await import('./[id]/rollback/+server.ts')
};
const snapshots = await import('./[id]/snapshots/+server.ts');
const snapshot = await import('./[id]/snapshots/[name]/+server.ts');
const acts = await import('./[id]/acts/+server.ts');
const act = await import('./[id]/acts/[act]/+server.ts');
const retry = await import('./[id]/acts/[act]/retry/+server.ts');

const staff = await createStaff('administrator');
const writer = await bearerFor(staff, ['infrastructure:read', 'infrastructure:write']);
const reader = await bearerFor(staff, ['infrastructure:read']);

beforeEach(() => db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'infrastructure.act'`);

interface Ask {
	path?: string;
	method?: string;
	body?: object;
	params?: Record<string, string>;
	search?: string;
	authorization?: string;
}

async function ask(handler: RequestHandler, { path = '/[id]', search = '', ...rest }: Ask = {}) {
	const { method = 'GET', authorization = writer, body, params = {} } = rest;
	const event = requestEvent({
		...{
			routeId: `/api/containers${path}`,
			params: path ? { id: made.id, ...params } : {},
			method
		},
		headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) },
		...(body ? { body: JSON.stringify(body) } : {})
	});
	event.url.search = search;
	const response = await handle({ event, resolve: async () => handler(event) });
	return { status: response.status, ...(await response.json()) };
}
const post = (verb: keyof typeof verbs, body?: object) =>
	ask(verbs[verb].POST, { path: `/[id]/${verb}`, method: 'POST', ...(body ? { body } : {}) });

test('containers are listed with what they use, and looked at', async () => {
	const use = { containerId: made.id, cpuFraction: 0.42, ramMb: 1024, diskGb: 7.5 };
	await db.resourceMetric.createMany({
		data: [
			{ ...use, recordedAt: after(now(), -2 * MINUTE) },
			{ ...use, cpuFraction: 0.9, recordedAt: after(now(), -9 * MINUTE) }
		]
	});
	const all = await ask(list.GET, { path: '', authorization: reader, search: '?purpose=odoo' });
	expect(all).toMatchObject({
		...{ status: 200, meta: { total: 1 } },
		data: [
			{
				...{
					id: made.id,
					vmid: made.vmid,
					status: 'running',
					purpose: 'odoo',
					adopted: false,
					act: null,
					ha: null
				},
				limits: { cpu_cores: 2, ram_mb: 4096, disk_gb: 50 },
				used: { cpu_fraction: 0.42, ram_mb: 1024, disk_gb: 7.5 },
				tenants: [{ id: made.tenantId }]
			}
		]
	});
	expect((await ask(one.GET)).data).toEqual(all.data[0]);
	const { node } = all.data[0];
	const on = (name: string) => ask(list.GET, { path: '', search: `?node=${name}&status=running` });
	expect((await on(node.name)).data).toHaveLength(1);
	for (const none of ['nowhere', `norte/${node.name}`]) expect((await on(none)).data).toEqual([]);
	await db.resourceMetric.updateMany({ data: { recordedAt: after(now(), -20 * MINUTE) } });
	expect((await ask(one.GET)).data.used).toBeNull();
});

test('an act is answered at once, done by its job, and looked at; two cannot be asked at once', async () => {
	const asked = await post('restart', { timeout_seconds: 30 });
	expect(asked).toMatchObject({
		status: 202,
		data: {
			...{ act: 'restart', status: 'queued', container_id: made.id, error: null, task: null },
			params: { timeout_seconds: 30, force: false }
		}
	});
	expect((await ask(one.GET)).data.act).toMatchObject({ id: asked.data.id, act: 'restart' });
	const second = await post('stop', {});
	expect(second).toMatchObject({ status: 409, error: 'CONTAINER_ACT_REFUSED' });
	expect(second.detail).toMatch(/Ya hay una acción en curso|already under way/);
	await untilEnded(asked.data.id);
	const params = { act: asked.data.id };
	expect(await ask(act.GET, { path: '/[id]/acts/[act]', params })).toMatchObject({
		data: { status: 'succeeded', task: expect.stringContaining(':vzreboot:') }
	});
	expect((await ask(acts.GET, { path: '/[id]/acts' })).data).toHaveLength(1);
	const audited = await db.auditEntry.findMany({
		where: { subjectType: 'container', subjectId: made.id },
		orderBy: { at: 'asc' },
		select: { action: true }
	});
	expect(audited.map(({ action }) => action)).toEqual([
		'infrastructure.container-restart',
		'infrastructure.container-act-succeeded'
	]);
});

test('of many who ask at the same moment one is heard', async () => {
	const wishes = Array.from({ length: 6 }, () =>
		transaction((tx) => askForAct(tx, made.id, { act: 'start' }, BY))
	);
	const ends = await Promise.allSettled(wishes);
	expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
	for (const end of ends)
		if (end.status === 'rejected')
			expect(end.reason).toMatchObject({ code: 'CONTAINER_ACT_REFUSED' });
	expect(await db.containerAct.count()).toBe(1);
});

test('of two who try a failed act again one is heard', async () => {
	const failed = await db.containerAct.create({
		data: { containerId: made.id, act: 'start', status: 'failed', byLabel: 'x', error: 'gone' }
	});
	const tries = await Promise.allSettled(
		[1, 2].map(() => transaction((tx) => retryAct(tx, made.id, failed.id, BY)))
	);
	expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
	const again = { path: '/[id]/acts/[act]/retry', method: 'POST', params: { act: failed.id } };
	expect((await ask(retry.POST, again)).status).toBe(409);
});

describe('nothing is asked of a container', () => {
	test.each([
		[
			'that is a template',
			() => db.container.update({ where: { id: made.id }, data: { purpose: 'template' } })
		],
		[
			'that is being made',
			() => db.container.update({ where: { id: made.id }, data: { status: 'provisioning' } })
		],
		[
			'that is being taken down',
			() => db.container.update({ where: { id: made.id }, data: { retiring: true } })
		],
		[
			'while a run works on its instance',
			() => db.provisioningJob.updateMany({ data: { status: 'waiting' } })
		],
		[
			'while a backup of it is made',
			async () => {
				const { customerId } = await db.tenant.findUniqueOrThrow({ where: { id: made.tenantId } });
				await db.backup.create({
					data: {
						tenantId: made.tenantId,
						customerId,
						kind: 'database',
						reason: 'nightly',
						status: 'running'
					}
				});
			}
		]
	])('%s', async (_what, make: () => PromiseLike<unknown>) => {
		await make();
		expect(await post('restart', {})).toMatchObject({
			...{ status: 409, error: 'CONTAINER_ACT_REFUSED' }
		});
		expect(await db.containerAct.count()).toBe(0);
		await db.container.update({ where: { id: made.id }, data: { purpose: 'odoo' } });
	});

	test('by who may only look', async () => {
		const refused = await ask(verbs.start.POST, {
			...{ path: '/[id]/start', method: 'POST', authorization: reader }
		});
		expect(refused.status).toBe(403);
	});
});

test('a run that begins meanwhile goes first', async () => {
	const { id: actId } = await transaction((tx) => askForAct(tx, made.id, { act: 'start' }, BY));
	await db.provisioningJob.updateMany({ data: { status: 'running' } });
	await runAct(actId, new AbortController().signal);
	const held = await db.containerAct.findUniqueOrThrow({ where: { id: actId } });
	expect(held).toMatchObject({ status: 'running', error: 'held' });
	await db.provisioningJob.updateMany({ data: { status: 'succeeded' } });
	expect((await untilEnded(actId)).status).toBe('succeeded');
});

test.each([
	['1st', 'letra'],
	['x', ''],
	['con espacio', 'letra'],
	['ñandú', 'letra'],
	['current', 'reserva'],
	['vzdump', 'reserva'],
	['a'.repeat(41), '']
])('a snapshot cannot be called %s', async (name, words) => {
	const refused = await post('snapshot', { name });
	expect(refused).toMatchObject({ status: 400, error: 'BAD_INPUT' });
	expect(refused.fields.name).toEqual(expect.stringContaining(words));
});

test('snapshots are read from the node now, gone back to and deleted', async () => {
	await untilEnded((await post('snapshot', { name: 'antes', description: 'Antes' })).data.id);
	const shown = () => ask(snapshots.GET, { path: '/[id]/snapshots' });
	expect((await shown()).data).toMatchObject([
		{ name: 'antes', description: 'Antes', created_at: expect.any(String), can_roll_back: true }
	]);
	await untilEnded((await post('rollback', { name: 'antes' })).data.id);
	expect(guest().status).toBe('running');
	const gone = await ask(snapshot.DELETE, {
		...{ path: '/[id]/snapshots/[name]', method: 'DELETE', params: { name: 'antes' } }
	});
	expect(gone.status).toBe(202);
	await untilEnded(gone.data.id);
	expect((await shown()).data).toEqual([]);
	pve.setOnline(guest().node, false);
	expect(await shown()).toMatchObject({ status: 503, error: 'VENDOR_UNAVAILABLE' });
	pve.setOnline(guest().node, true);
});

test('other limits need room on the node, and a disk never shrinks', async () => {
	const node = await db.node.findFirstOrThrow({ where: { containers: { some: { id: made.id } } } });
	const limits = { cpu_cores: 2, ram_mb: 4096, disk_gb: 50 };
	expect((await post('resize', { ...limits, disk_gb: 40 })).fields).toEqual({
		disk_gb: expect.stringContaining('50')
	});
	expect((await post('resize', { ...limits, cpu_cores: 17 })).fields).toEqual({
		cpu_cores: expect.stringContaining('16')
	});
	const tooMuch = await post('resize', { ...limits, ram_mb: node.ramTotalMb + 8192 });
	expect(tooMuch).toMatchObject({ status: 409, error: 'NO_ROOM_TO_GROW' });
	expect(Object.keys(tooMuch.fields)).toEqual(['ram_mb']);
	expect(await db.container.findUniqueOrThrow({ where: { id: made.id } })).toMatchObject({
		ramMb: 4096
	});
	// What is promised counts at once, before Proxmox has it.
	expect((await post('resize', { ...limits, ram_mb: 8192 })).status).toBe(202);
	expect(await db.container.findUniqueOrThrow({ where: { id: made.id } })).toMatchObject({
		ramMb: 8192
	});
});

test('an act whose job was lost is queued again, and one that waits has its next job', async () => {
	const jobs = () =>
		db.$queryRaw<{ state: string }[]>`
			SELECT state::text FROM pgboss.job WHERE name = 'infrastructure.act' AND state < 'completed'`;
	const { id: actId } = await transaction((tx) => askForAct(tx, made.id, { act: 'start' }, BY));
	await reapActs();
	expect(await jobs()).toHaveLength(1);
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'infrastructure.act'`;
	await reapActs();
	expect(await jobs()).toHaveLength(1);
	guest().config.lock = 'backup';
	await runAct(actId, new AbortController().signal);
	expect(await jobs()).toHaveLength(2);
	delete guest().config.lock;
});

test('one that was moved is found where it is, and its row follows', async () => {
	const from = guest().node;
	const to = pve.state.nodes.find(({ name }) => name !== from)!.name;
	guest().node = to;
	pve.setOnline(from, false);
	const act = await untilEnded(
		(await wish({ act: 'restart', timeout_seconds: 30, force: false })).id
	);
	expect(act.status).toBe('succeeded');
	const moved = await db.container.findUniqueOrThrow({
		where: { id: made.id },
		include: { node: true }
	});
	expect(moved.node.name).toBe(to);
});
