import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { testCluster } from '../../../sandbox/proxmox/testing.ts';
import { unrecorded, type CallRecorder, type RecordedCall } from '../record.ts';
import { ProxmoxError } from './errors.ts';
import { proxmox } from './proxmox.server.ts';

const pve = await testCluster();
const { kernel, cluster } = pve;
const [access, second] = pve.standIn.nodes;
const config = {
	baseUrl: access!.url,
	token: access!.token,
	fingerprint: access!.fingerprint,
	timeoutMs: 2000
};
const client = proxmox(config, unrecorded);
const wait = (upid: string, timeoutMs = 5000) => client.waitTask(upid, { timeoutMs, pollMs: 5 });
const calls = (match: string) => kernel.calls.list({ vendor: 'proxmox', match }).length;
const failure = (promise: Promise<unknown>): Promise<ProxmoxError> =>
	promise.then(
		() => Promise.reject(new Error('it did not fail')),
		(error: unknown) => (error instanceof ProxmoxError ? error : Promise.reject(error))
	);

afterAll(async () => {
	await pve.close();
});
beforeEach(() => kernel.reset());

describe('trust', () => {
	test('another certificate than the pinned one is refused before anything is sent', async () => {
		const fooled = proxmox({ ...config, fingerprint: second!.fingerprint }, unrecorded);
		const before = calls('');
		expect(await failure(fooled.version())).toMatchObject({
			kind: 'untrusted',
			retryable: false,
			ambiguous: false
		});
		expect(await failure(fooled.start('pve1', 9018))).toMatchObject({
			kind: 'untrusted',
			ambiguous: false
		});
		expect(calls('')).toBe(before);
	});

	test('without a pin a self-signed certificate is refused', async () => {
		const strict = proxmox({ ...config, fingerprint: null }, unrecorded);
		expect(await failure(strict.version())).toMatchObject({ kind: 'unreachable' });
	});

	test('a pin in another spelling is the same pin', async () => {
		const spelled = proxmox(
			{ ...config, fingerprint: access!.fingerprint.toLowerCase().replaceAll(':', '') },
			unrecorded
		);
		expect((await spelled.version()).release).toBe('9.1');
	});

	test('a wrong token is unauthorized, a missing privilege forbidden', async () => {
		const wrong = proxmox({ ...config, token: 'erpcore@pve!control=no' }, unrecorded);
		expect(await failure(wrong.version())).toMatchObject({ kind: 'unauthorized', status: 401 });
		const reader = proxmox(
			{ ...config, token: 'auditor@pve!readonly=5a9db0c5-0000-4000-8000-a0d1704a0d17' },
			unrecorded
		);
		expect(await failure(reader.clone('pve1', 9018, { newid: 201 }))).toMatchObject({
			kind: 'forbidden',
			status: 403,
			message: expect.stringContaining('VM.Clone')
		});
	});
});

describe('a container from clone to deletion', () => {
	test('every step, read back', async () => {
		const cloned = await wait(
			await client.clone('pve1', 9018, {
				newid: 201,
				full: true,
				hostname: 'acme',
				target: 'pve2',
				description: 'run 1'
			})
		);
		expect(cloned).toMatchObject({ exitStatus: 'OK', warnings: 0 });
		const { digest } = await client.containerConfig('pve2', 201);
		await client.setConfig('pve2', 201, {
			net0: 'name=eth0,bridge=vmbr0,ip=10.20.0.9/16,gw=10.20.0.1',
			cores: 4,
			memory: 4096,
			onboot: true,
			tags: 'erp-core',
			digest
		});
		await wait(await client.resize('pve2', 201, '20G'));
		await wait(await client.start('pve2', 201));
		expect(await client.containerConfig('pve2', 201)).toMatchObject({
			hostname: 'acme',
			description: 'run 1',
			cores: 4,
			memory: 4096,
			onboot: true,
			unprivileged: true,
			template: false,
			rootfs: 'ceph:vm-201-disk-0,size=20G'
		});
		expect(await client.containerStatus('pve2', 201)).toMatchObject({
			vmid: 201,
			status: 'running',
			cpus: 4,
			maxmem: 4096 * 1024 ** 2
		});
		expect((await client.resources('vm')).map(({ vmid, template }) => [vmid, template])).toEqual([
			[201, false],
			[9018, true]
		]);
		const upid = await client.vzdump('pve2', { vmid: 201, storage: 'nfs-backup' });
		await wait(upid!);
		const [backup] = await client.storageContent('pve2', 'nfs-backup', {
			content: 'backup',
			vmid: 201
		});
		expect(backup!.size).toBeGreaterThan(0);
		expect((await client.taskLog(upid!)).map((line) => line.t).join('\n')).toContain(
			'creating vzdump archive'
		);
		await wait((await client.deleteVolume('pve2', backup!.volid))!);
		expect((await failure(client.destroy('pve2', 201))).message).toContain('is running');
		await wait(await client.shutdown('pve2', 201, { timeout: 30 }));
		await wait(await client.destroy('pve2', 201, { purge: true }));
		expect(await failure(client.containerConfig('pve2', 201))).toMatchObject({
			kind: 'not_found',
			status: 500
		});
	});

	test('the cluster and its nodes are read', async () => {
		expect(
			(await client.clusterStatus()).filter((row) => row.type === 'node' && row.online)
		).toHaveLength(3);
		expect(await client.nodeStatus('pve1')).toMatchObject({
			cpuinfo: { cpus: 16 },
			memory: { total: 64 * 1024 ** 3 }
		});
		expect((await client.storages('pve1', 'backup')).map((one) => one.storage)).toEqual([
			'local',
			'nfs-backup'
		]);
		expect((await client.permissions())['/']).toMatchObject({ 'VM.Clone': 1 });
		expect(await client.vzdump('pve2', { vmid: 9018, storage: 'nfs-backup' })).toBeNull();
	});

	test('a new container is unprivileged by default', async () => {
		await wait(
			await client.create('pve1', {
				vmid: 300,
				ostemplate: 'local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst',
				rootfs: 'local-lvm:8'
			})
		);
		expect(await client.containerConfig('pve1', 300)).toMatchObject({ unprivileged: true });
	});
});

describe('refusals', () => {
	test('a locked source says so, and can be tried again', async () => {
		cluster.state.containers[9018]!.config.lock = 'disk';
		const error = await failure(client.clone('pve1', 9018, { newid: 201 }));
		expect(error).toMatchObject({
			kind: 'locked',
			locked: true,
			retryable: true,
			ambiguous: false,
			message: 'CT is locked (disk)'
		});
	});

	test('a taken VMID', async () => {
		expect(await failure(client.clone('pve1', 9018, { newid: 9018 }))).toMatchObject({
			kind: 'exists'
		});
	});

	test('a wrong parameter is named', async () => {
		expect(await failure(client.clone('pve1', 9018, { newid: 1 }))).toMatchObject({
			kind: 'invalid',
			fields: { newid: expect.stringContaining('minimum') }
		});
	});

	test('a node behind the API is unreachable: nothing was done', async () => {
		cluster.setOnline('pve2', false);
		expect(await failure(client.clone('pve1', 9018, { newid: 201, target: 'pve2' }))).toMatchObject(
			{ kind: 'node_unreachable', status: 595, retryable: true, ambiguous: false }
		);
		expect(await failure(client.nodeStatus('pve2'))).toMatchObject({ kind: 'node_unreachable' });
	});

	test('the node itself is unreachable', async () => {
		const third = pve.standIn.nodes[2]!;
		cluster.setOnline('pve3', false);
		const dead = proxmox(
			{ ...config, baseUrl: third.url, fingerprint: third.fingerprint },
			unrecorded
		);
		await expect
			.poll(() =>
				dead.version().then(
					() => 'up',
					() => 'down'
				)
			)
			.toBe('down');
		expect(await failure(dead.start('pve1', 9018))).toMatchObject({
			kind: 'unreachable',
			retryable: true,
			ambiguous: false
		});
	});
});

test('every call is recorded with its key and without secrets', async () => {
	const recorded: RecordedCall[] = [];
	const record: CallRecorder = (call, send) => {
		recorded.push(call);
		return send();
	};
	const watched = proxmox(config, record);
	await watched.clone('pve1', 9018, { newid: 201, full: true });
	await failure(
		watched.create('pve1', { vmid: 300, ostemplate: 'local:vztmpl/none', password: 'hunter22' })
	);
	await watched.version();
	expect(recorded.map(({ operation, key, changes }) => [operation, key, changes])).toEqual([
		['lxc.clone', '201', true],
		['lxc.create', '300', true],
		['version', undefined, false]
	]);
	expect(JSON.stringify(recorded)).not.toContain('hunter22');
	expect(JSON.stringify(recorded)).not.toContain(config.token);
});
