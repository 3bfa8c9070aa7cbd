import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { testCluster } from './testing.ts';

const pve = await testCluster();
const { request, data, task } = pve;
afterAll(() => pve.close());

describe('transport', () => {
	test('each node shows its own self-signed certificate, for its name and address', async () => {
		for (const node of pve.standIn.nodes) {
			const socket = connect({
				port: Number(new URL(node.url).port),
				host: '127.0.0.1',
				rejectUnauthorized: false
			});
			await new Promise((resolve) => socket.once('secureConnect', resolve));
			const certificate = new X509Certificate(socket.getPeerCertificate().raw);
			socket.destroy();
			expect(certificate.fingerprint256).toBe(node.fingerprint);
			expect(certificate.verify(certificate.publicKey)).toBe(true);
			expect(certificate.checkHost(node.node)).toBe(node.node);
			expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
		}
		expect(new Set(pve.standIn.nodes.map((node) => node.fingerprint)).size).toBe(3);
	});

	test('no token and a wrong one are 401 with a reason and an empty body', async () => {
		expect(await request('GET', '/version', { token: null })).toMatchObject({
			status: 401,
			reason: 'No ticket',
			text: ''
		});
		const wrong = await request('GET', '/version', {
			token: 'erpcore@pve!control=00000000-0000-4000-8000-000000000000'
		});
		expect(wrong).toMatchObject({ status: 401, text: '' });
	});

	test('a body on DELETE and an unknown path are 501', async () => {
		expect((await request('DELETE', '/nodes/pve1/lxc/9018', { body: 'force=1' })).status).toBe(501);
		expect((await request('GET', '/nodes/pve1/nothing')).status).toBe(501);
		expect((await request('POST', '/version', { form: {} })).status).toBe(501);
	});

	test('form and JSON bodies mean the same', async () => {
		await pve.runningContainer(401);
		expect(
			(await request('PUT', '/nodes/pve1/lxc/401/config', { json: { cores: 3, onboot: true } }))
				.status
		).toBe(200);
		expect(await data('GET', '/nodes/pve1/lxc/401/config')).toMatchObject({ cores: 3, onboot: 1 });
		expect(
			(await request('PUT', '/nodes/pve1/lxc/401/config', { form: { cores: 2, onboot: 0 } })).status
		).toBe(200);
		expect(await data('GET', '/nodes/pve1/lxc/401/config')).toMatchObject({ cores: 2, onboot: 0 });
	});

	test('wrong parameters are named one by one', async () => {
		const answer = await request('POST', '/nodes/pve1/lxc/9018/clone', {
			form: { newid: 'x', hostname: 'a b', foo: 1 }
		});
		expect(answer).toMatchObject({ status: 400, reason: 'Parameter verification failed.' });
		expect(answer.body?.errors).toEqual({
			newid: "type check ('integer') failed - got 'x'",
			hostname: expect.stringContaining('does not match'),
			foo: expect.stringContaining('not defined in schema')
		});
		const missing = await request('POST', '/nodes/pve1/lxc/9018/clone', { form: {} });
		expect(missing.body?.errors).toEqual({ newid: 'property is missing and it is not optional' });
	});

	test('a method that died is 500 with its text in the reason and in the message', async () => {
		const answer = await request('POST', '/nodes/pve1/lxc/401/status/start', { form: {} });
		expect(answer).toMatchObject({ status: 500, reason: 'CT 401 already running' });
		expect(answer.body).toEqual({ data: null, message: 'CT 401 already running\n' });
	});
});

describe('privileges', () => {
	const auditor = 'auditor@pve!readonly=5a9db0c5-0000-4000-8000-a0d1704a0d17';

	test('a reader reads and changes nothing', async () => {
		expect((await request('GET', '/nodes/pve1/lxc/9018/config', { token: auditor })).status).toBe(
			200
		);
		const answer = await request('POST', '/nodes/pve1/lxc/401/status/stop', {
			token: auditor,
			form: {}
		});
		expect(answer).toMatchObject({
			status: 403,
			reason: 'Permission check failed (/vms/401, VM.PowerMgmt)'
		});
		for (const [method, path, form] of [
			['POST', '/nodes/pve1/lxc/9018/clone', { newid: 900 }],
			['PUT', '/nodes/pve1/lxc/401/config', { cores: 1 }],
			['POST', '/nodes/pve1/vzdump', { vmid: 401, storage: 'nfs-backup' }],
			['POST', '/nodes/pve1/lxc/401/snapshot', { snapname: 'one' }]
		] as const) {
			expect((await request(method, path, { token: auditor, form })).status).toBe(403);
		}
		expect(
			(await request('DELETE', '/nodes/pve1/lxc/401?force=1', { token: auditor })).status
		).toBe(403);
	});

	test('a separated token has no rights until it gets its own, and never more than its user', async () => {
		const made = (await data('POST', '/access/users/erpcore@pve/token/second', {})) as {
			value: string;
			'full-tokenid': string;
		};
		const token = `${made['full-tokenid']}=${made.value}`;
		expect((await request('GET', '/version', { token })).status).toBe(200);
		expect((await request('GET', '/nodes/pve1/status', { token })).status).toBe(403);
		await data('PUT', '/access/acl', {
			path: '/nodes',
			roles: 'PVEAuditor',
			tokens: 'erpcore@pve!second'
		});
		expect((await request('GET', '/nodes/pve1/status', { token })).status).toBe(200);
		expect((await request('GET', '/nodes/pve1/lxc/9018/config', { token })).status).toBe(403);
		const held = await request('GET', '/access/permissions', { token });
		expect(held.body?.data).toMatchObject({ '/nodes': { 'Sys.Audit': 1 } });
		await data('DELETE', '/access/users/erpcore@pve/token/second');
		expect((await request('GET', '/version', { token })).status).toBe(401);
	});

	test('features other than nesting are for root alone', async () => {
		const answer = await request('PUT', '/nodes/pve1/lxc/401/config', {
			form: { features: 'nesting=1,keyctl=1' }
		});
		expect(answer.status).toBe(403);
	});
});

describe('cluster', () => {
	test('every node answers for the whole cluster', async () => {
		const status = (await request('GET', '/cluster/status', { node: 1 })).body?.data as {
			type: string;
			name: string;
			local?: number;
		}[];
		expect(status.map((row) => row.type)).toEqual(['cluster', 'node', 'node', 'node']);
		expect(status.find((row) => row.local === 1)?.name).toBe('pve2');
		expect((await request('GET', '/nodes/pve1/status', { node: 2 })).status).toBe(200);
	});

	test('a node without power refuses connections, the others say 595 for it, and it comes back', async () => {
		await pve.runningContainer(402, 'pve3');
		pve.cluster.setOnline('pve3', false);
		await expect
			.poll(() =>
				request('GET', '/version', { node: 2 }).then(
					() => 'up',
					() => 'down'
				)
			)
			.toBe('down');
		expect(await request('GET', '/nodes/pve3/status')).toMatchObject({
			status: 595,
			reason: 'No route to host'
		});
		const rows = (await data('GET', '/cluster/resources')) as {
			id: string;
			status: string;
			maxmem?: number;
		}[];
		expect(rows.find((row) => row.id === 'node/pve3')).toMatchObject({ status: 'offline' });
		expect(rows.find((row) => row.id === 'lxc/402')).toMatchObject({ status: 'unknown' });
		pve.cluster.setOnline('pve3', true);
		await expect
			.poll(() =>
				request('GET', '/version', { node: 2 }).then(
					(one) => one.status,
					() => 0
				)
			)
			.toBe(200);
		expect(await data('GET', '/nodes/pve3/lxc/402/status/current')).toMatchObject({
			status: 'stopped'
		});
	});

	test('the next id is free, and a taken one is refused by name', async () => {
		expect(await data('GET', '/cluster/nextid')).toBe('100');
		const answer = await request('GET', '/cluster/nextid?vmid=401');
		expect(answer).toMatchObject({
			status: 400,
			body: { errors: { vmid: 'VM 401 already exists' } }
		});
	});

	test('usage follows the containers and what the console adds', async () => {
		const read = async () =>
			(await data('GET', '/nodes/pve1/status')) as {
				memory: { used: number; total: number };
				cpu: number;
			};
		const before = await read();
		await pve.runningContainer(403);
		expect((await read()).memory.used).toBeGreaterThan(before.memory.used);
		const node = pve.cluster.state.nodes[0]!;
		node.extraMemoryBytes = node.memoryBytes;
		expect((await read()).memory.used).toBe(before.memory.total);
		node.extraMemoryBytes = 0;
		await task('POST', '/nodes/pve1/lxc/403/status/stop');
		expect((await read()).memory.used).toBe(before.memory.used);
	});
});
