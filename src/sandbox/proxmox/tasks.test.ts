import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Kernel } from '../kernel/kernel.ts';
import { clusterOf } from './cluster.ts';
import { proxmoxControlRoutes } from './control.ts';
import { startProxmox } from './server.ts';
import { GIB } from './state.ts';
import { testCluster } from './testing.ts';

const pve = await testCluster();
const { request, data, task, kernel } = pve;
afterAll(() => pve.close());
beforeEach(() => kernel.reset());

const clone = (newid: number) =>
	data('POST', '/nodes/pve1/lxc/9018/clone', { newid, full: 1 }).then(String);
const path = (upid: string, rest: string) =>
	`/nodes/${upid.split(':')[1]}/tasks/${encodeURIComponent(upid)}${rest}`;

describe('tasks', () => {
	test('a UPID has the documented form, and its own node alone knows it', async () => {
		const upid = await clone(201);
		expect(upid).toMatch(
			/^UPID:pve1:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:vzclone:9018:erpcore@pve!control:$/
		);
		expect(
			(await request('GET', `/nodes/pve2/tasks/${encodeURIComponent(upid)}/status`)).reason
		).toBe('no such task');
		const rows = (await data('GET', '/nodes/pve1/tasks?vmid=9018&source=all')) as {
			upid: string;
			status?: string;
		}[];
		expect(rows[0]).toMatchObject({ upid, status: 'OK' });
	});

	test('the log is numbered, fifty lines at most unless more are asked for', async () => {
		const upid = await clone(201);
		const stored = pve.cluster.tasks.find(upid)!;
		stored.log = Array.from({ length: 120 }, (_, index) => `line ${index}`);
		const first = await request('GET', path(upid, '/log'));
		expect(first.body).toMatchObject({ total: 120 });
		expect(first.body?.data).toHaveLength(50);
		const rest = (await data('GET', path(upid, '/log?start=50&limit=500'))) as {
			n: number;
			t: string;
		}[];
		expect(rest[0]).toEqual({ n: 51, t: 'line 50' });
	});

	test('faults make a task late, fail, or end with a warning', async () => {
		kernel.faults.add({
			target: 'proxmox',
			match: 'TASK vzclone 9018',
			kind: 'status',
			body: 'clone failed: copy error'
		});
		expect(await task('POST', '/nodes/pve1/lxc/9018/clone', { newid: 201, full: 1 })).toBe(
			'clone failed: copy error'
		);
		expect(pve.cluster.state.containers[201]).toBeUndefined();
		kernel.faults.add({ target: 'proxmox', match: 'TASK vzclone', kind: 'malformed' });
		expect(await task('POST', '/nodes/pve1/lxc/9018/clone', { newid: 202, full: 1 })).toBe(
			'WARNINGS: 1'
		);
		kernel.faults.add({
			target: 'proxmox',
			match: 'TASK vzclone',
			kind: 'status',
			when: 'after',
			body: 'post clone failed'
		});
		expect(await task('POST', '/nodes/pve1/lxc/9018/clone', { newid: 203, full: 1 })).toBe(
			'post clone failed'
		);
		expect(pve.cluster.state.containers[203]).toBeDefined();
		kernel.faults.add({ target: 'proxmox', match: 'TASK vzclone', kind: 'timeout' });
		const upid = await clone(204);
		expect(await pve.statusOf(upid)).toMatchObject({ status: 'running' });
		await data('DELETE', path(upid, ''));
		await expect
			.poll(async () => (await pve.statusOf(upid)).exitstatus)
			.toBe('interrupted by signal');
	});

	test('a call that is answered too late has taken effect all the same', async () => {
		kernel.faults.add({ target: 'proxmox', match: 'POST .*clone', kind: 'reset', when: 'after' });
		await expect(clone(201)).rejects.toThrow();
		await expect.poll(() => pve.cluster.state.containers[201]?.config.lock).toBeUndefined();
		expect(pve.cluster.state.containers[201]).toBeDefined();
	});

	test('a power cut ends the tasks of its node as unknown, and the half-made copy keeps its lock', async () => {
		const slow = await testCluster(1);
		const upid = String(
			await slow.data('POST', '/nodes/pve1/lxc/9018/clone', { newid: 201, full: 1 })
		);
		slow.cluster.setOnline('pve1', false);
		slow.cluster.setOnline('pve1', true);
		await expect
			.poll(() => slow.statusOf(upid).catch(() => null))
			.toMatchObject({ status: 'stopped', exitstatus: 'unexpected status' });
		expect(slow.cluster.state.containers[201]?.config.lock).toBe('create');
		expect(slow.cluster.state.containers[9018]?.config.lock).toBeUndefined();
		await slow.close();
	});

	test('state and certificates outlive the process; what was running is "unexpected status"', async () => {
		const dataDir = mkdtempSync(join(tmpdir(), 'sandbox-pve-'));
		const before = new Kernel({ dataDir, speed: 1 });
		const first = await startProxmox(before, { ports: [], dataDir });
		const caller = { token: 'erpcore@pve!control', user: 'erpcore@pve', privsep: true };
		const upid = clusterOf(before).tasks.start('pve1', 'vzdump', 9018, caller, (work) =>
			work.wait(60_000)
		);
		await first.close();
		before.store.flush();
		const after = new Kernel({ dataDir, speed: 1 });
		const second = await startProxmox(after, { ports: [], dataDir });
		expect(second.nodes.map((node) => node.fingerprint)).toEqual(
			first.nodes.map((node) => node.fingerprint)
		);
		expect(clusterOf(after).tasks.find(upid)).toMatchObject({ exitstatus: 'unexpected status' });
		await second.close();
		clusterOf(before).tasks.forget();
		await expect.poll(() => clusterOf(before).tasks.find(upid)?.exitstatus).toBeDefined();
		before.store.flush();
		after.store.flush();
		rmSync(dataDir, { recursive: true });
	});
});

describe('power', () => {
	const on = '/nodes/pve1/lxc/201/status';
	const status = async () => (await data('GET', `${on}/current`)) as { status: string };

	test('what does not end when it is asked to goes on running, unless it may be forced', async () => {
		await pve.runningContainer(201);
		pve.cluster.state.containers[201]!.ignoresShutdown = true;
		const failure = "command 'lxc-stop -n 201 --timeout 20' failed: exit code 1";
		expect(await task('POST', `${on}/shutdown`, { timeout: 20 })).toBe(failure);
		expect(await task('POST', `${on}/reboot`, { timeout: 20 })).toBe(failure);
		expect(await status()).toMatchObject({ status: 'running' });
		expect(await task('POST', `${on}/shutdown`, { timeout: 20, forceStop: 1 })).toBe('OK');
		expect(await status()).toMatchObject({ status: 'stopped' });
	});

	test('a suspended container shows as stopped, and is resumed once', async () => {
		await pve.runningContainer(201);
		expect(await task('POST', `${on}/suspend`)).toBe('OK');
		expect(await status()).toMatchObject({ status: 'stopped' });
		expect(await task('POST', `${on}/resume`)).toBe('OK');
		expect(await status()).toMatchObject({ status: 'running' });
		await task('POST', `${on}/stop`);
		expect(await task('POST', `${on}/resume`)).toMatch(/^command 'lxc-checkpoint/);
	});
});

describe('console of a container', () => {
	test('a ticket opens a terminal once, with its greeting, echo and output', async () => {
		await pve.runningContainer(201);
		const opened = (await data('POST', '/nodes/pve1/lxc/201/termproxy', {})) as {
			user: string;
			ticket: string;
			port: string;
		};
		const [node] = pve.standIn.nodes;
		const url = `${node!.url.replace('https', 'wss')}/api2/json/nodes/pve1/lxc/201/vncwebsocket?port=${opened.port}&vncticket=${encodeURIComponent(opened.ticket)}`;
		const options = {
			rejectUnauthorized: false,
			perMessageDeflate: false,
			headers: { authorization: `PVEAPIToken=${node!.token}` }
		};
		const socket = new WebSocket(url, 'binary', options);
		let seen = '';
		socket.on('message', (chunk) => (seen += String(chunk)));
		await new Promise((resolve) => socket.once('open', resolve));
		socket.send(`${opened.user}:${opened.ticket}\n`);
		await expect.poll(() => seen).toContain('OK');
		socket.send('1:80:24:');
		socket.send('0:9:hostname\r');
		await expect.poll(() => seen).toContain('\r\nct201\r\n');
		socket.close();
		const again = new WebSocket(url, 'binary', options);
		const refusal = await new Promise((resolve) =>
			again.once('error', (error) => resolve(error.message))
		);
		expect(refusal).toContain('401');
	});
});

describe('control', () => {
	const control = async (method: string, at: string, body: object = {}) => {
		for (const route of proxmoxControlRoutes(kernel)) {
			const pattern = new RegExp(`^${route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
			const found = route.method === method ? pattern.exec(at) : null;
			if (!found) continue;
			return route.run(
				{
					method,
					path: at,
					query: new URLSearchParams(),
					headers: {},
					host: '',
					body: Buffer.from(JSON.stringify(body))
				},
				{ ...found.groups }
			);
		}
		throw new Error(`no route ${method} ${at}`);
	};

	test('nodes are taken down and filled, storages filled, containers locked', async () => {
		await control('POST', '/__sandbox/proxmox/nodes/pve2', {
			online: false,
			memory_gib: 32,
			used_memory_gib: 20
		});
		expect(pve.cluster.state.nodes[1]).toMatchObject({
			online: false,
			memoryBytes: 32 * GIB,
			extraMemoryBytes: 20 * GIB
		});
		await control('POST', '/__sandbox/proxmox/storages/ceph', { filled_gib: 2999 });
		const [row] = (await data('GET', '/nodes/pve1/storage?storage=ceph')) as { avail: number }[];
		expect(row!.avail).toBeLessThan(GIB);
		await control('POST', '/__sandbox/proxmox/containers/9018', { lock: 'backup' });
		expect(
			(await request('POST', '/nodes/pve1/lxc/9018/clone', { form: { newid: 201 } })).reason
		).toBe('CT is locked (backup)');
		await control('POST', '/__sandbox/proxmox/containers/9018', { lock: null });
		await control('POST', '/__sandbox/proxmox/storages/ceph', { filled_gib: 0 });
		await clone(201);
		expect(await control('GET', '/__sandbox/proxmox/containers')).toMatchObject({
			body: [{ vmid: 201 }, { vmid: 9018, template: true }]
		});
	});
});
