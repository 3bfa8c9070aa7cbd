import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { GIB } from './state.ts';
import { testCluster } from './testing.ts';

const pve = await testCluster();
// Slow enough for a copy to be seen while it runs.
const slow = await testCluster(0.02);
const { request, data, task } = pve;
afterAll(async () => {
	await pve.close();
	await slow.close();
});
beforeEach(() => {
	pve.kernel.reset();
	slow.kernel.reset();
});

type Config = Record<string, string | number>;
const config = async (vmid: number, node = 'pve1') =>
	(await data('GET', `/nodes/${node}/lxc/${vmid}/config`)) as Config;

describe('clone', () => {
	test('locks its source for the whole copy, and the copy carries `create`', async () => {
		const upid = String(
			await slow.data('POST', '/nodes/pve1/lxc/9018/clone', { newid: 201, full: 1 })
		);
		expect(await slow.statusOf(upid)).toMatchObject({ status: 'running' });
		expect(await slow.data('GET', '/nodes/pve1/lxc/9018/config')).toMatchObject({ lock: 'disk' });
		expect(await slow.data('GET', '/nodes/pve1/lxc/201/config')).toMatchObject({ lock: 'create' });
		const second = await slow.request('POST', '/nodes/pve1/lxc/9018/clone', {
			form: { newid: 202, full: 1 }
		});
		expect(second).toMatchObject({ status: 500, reason: 'CT is locked (disk)' });
		await expect.poll(async () => (await slow.statusOf(upid)).exitstatus).toBe('OK');
		expect(await slow.data('GET', '/nodes/pve1/lxc/9018/config')).not.toHaveProperty('lock');
		expect(await slow.data('GET', '/nodes/pve1/lxc/201/config')).not.toHaveProperty('lock');
	});

	test('copies the address and everything inside, with a MAC of its own', async () => {
		expect(
			await task('POST', '/nodes/pve1/lxc/9018/clone', {
				newid: 201,
				full: 1,
				hostname: 'acme',
				description: 'run=1'
			})
		).toBe('OK');
		const source = await config(9018);
		const copy = await config(201);
		const mac = (net: unknown) => /hwaddr=([^,]+)/.exec(String(net))?.[1];
		expect(mac(copy.net0)).not.toBe(mac(source.net0));
		expect(String(copy.net0).replace(/hwaddr=[^,]+/, '')).toBe(
			String(source.net0).replace(/hwaddr=[^,]+/, '')
		);
		expect(copy).toMatchObject({
			hostname: 'acme',
			description: 'run=1',
			rootfs: 'ceph:vm-201-disk-0,size=10G'
		});
		expect(copy).not.toHaveProperty('template');
		expect(Object.keys(pve.cluster.guests.get(201)?.databases ?? {})).toEqual([
			'tpl_18_es',
			'tpl_18_en'
		]);
	});

	test('a taken VMID, a linked clone with a storage and a template in use are refused', async () => {
		await task('POST', '/nodes/pve1/lxc/9018/clone', { newid: 201 });
		expect((await config(201)).rootfs).toBe('ceph:base-9018-disk-0/vm-201-disk-0,size=10G');
		const taken = await request('POST', '/nodes/pve1/lxc/9018/clone', {
			form: { newid: 201, full: 1 }
		});
		expect(taken.reason).toBe('unable to create CT 201: config file already exists');
		const linked = await request('POST', '/nodes/pve1/lxc/9018/clone', {
			form: { newid: 202, storage: 'ceph' }
		});
		expect(linked.body?.errors).toHaveProperty('storage');
		expect(await task('DELETE', '/nodes/pve1/lxc/9018')).toContain('still in use by linked clone');
	});

	test('another node is reached on shared storage only', async () => {
		expect(
			await task('POST', '/nodes/pve1/lxc/9018/clone', { newid: 201, full: 1, target: 'pve2' })
		).toBe('OK');
		expect((await config(201, 'pve2')).hostname).toBe('Copy-of-CT-tpl-odoo-18');
		const elsewhere = await request('GET', '/nodes/pve1/lxc/201/config');
		expect(elsewhere.reason).toBe("Configuration file 'nodes/pve1/lxc/201.conf' does not exist");
		const local = await request('POST', '/nodes/pve1/lxc/9018/clone', {
			form: { newid: 202, full: 1, target: 'pve3', storage: 'local-lvm' }
		});
		expect(local.reason).toBe("can't clone to non-shared storage 'local-lvm'");
	});

	test('a full storage fails the task, and nothing stays behind', async () => {
		const ceph = pve.cluster.storage('ceph');
		ceph.filled['*'] = ceph.totalBytes;
		expect(await task('POST', '/nodes/pve1/lxc/9018/clone', { newid: 201, full: 1 })).toContain(
			'No space left'
		);
		expect(pve.cluster.state.containers[201]).toBeUndefined();
		expect(await config(9018)).not.toHaveProperty('lock');
	});

	test('a running container is not copied without a snapshot', async () => {
		await pve.runningContainer(201);
		const refused = await request('POST', '/nodes/pve1/lxc/201/clone', { form: { newid: 202 } });
		expect(refused).toMatchObject({
			status: 500,
			reason: expect.stringContaining('without snapshots')
		});
		expect(await task('POST', '/nodes/pve1/lxc/201/snapshot', { snapname: 'before' })).toBe('OK');
		expect(
			await task('POST', '/nodes/pve1/lxc/201/clone', { newid: 202, snapname: 'before' })
		).toBe('OK');
	});
});

describe('configuration', () => {
	test('a digest that is no longer true is refused', async () => {
		await pve.runningContainer(201);
		const { digest } = await config(201);
		await data('PUT', '/nodes/pve1/lxc/201/config', { tags: 'erp-core;run-1', digest });
		const late = await request('PUT', '/nodes/pve1/lxc/201/config', {
			form: { tags: 'x', digest }
		});
		expect(late).toMatchObject({
			status: 500,
			reason: expect.stringContaining('detected modified configuration')
		});
	});

	test('what cannot be applied while running waits for a reboot', async () => {
		await pve.runningContainer(201);
		await data('PUT', '/nodes/pve1/lxc/201/config', { memory: 4096, tty: 4 });
		const pending = (await data('GET', '/nodes/pve1/lxc/201/pending')) as {
			key: string;
			value?: string;
			pending?: string;
		}[];
		expect(pending.find((row) => row.key === 'memory')).toEqual({ key: 'memory', value: '4096' });
		expect(pending.find((row) => row.key === 'tty')).toEqual({ key: 'tty', pending: '4' });
		expect(await task('POST', '/nodes/pve1/lxc/201/status/reboot')).toBe('OK');
		expect((await config(201)).tty).toBe(4);
	});

	test('options are deleted by name', async () => {
		await pve.runningContainer(201);
		await data('PUT', '/nodes/pve1/lxc/201/config', { tags: 'a', description: 'b' });
		await data('PUT', '/nodes/pve1/lxc/201/config', { delete: 'tags,description' });
		expect(await config(201)).not.toHaveProperty('tags');
	});

	test('disks grow and never shrink, and the read form changes nothing', async () => {
		await pve.runningContainer(201);
		expect(await task('PUT', '/nodes/pve1/lxc/201/resize', { disk: 'rootfs', size: '+5G' })).toBe(
			'OK'
		);
		expect((await config(201)).rootfs).toBe('ceph:vm-201-disk-0,size=15G');
		const smaller = await request('PUT', '/nodes/pve1/lxc/201/resize', {
			form: { disk: 'rootfs', size: '8G' }
		});
		expect(smaller).toMatchObject({ status: 500, reason: 'unable to shrink disk size' });
		await data('PUT', '/nodes/pve1/lxc/201/config', { rootfs: 'ceph:vm-201-disk-0,size=99G' });
		expect((await config(201)).rootfs).toBe('ceph:vm-201-disk-0,size=15G');
		expect(await data('GET', '/nodes/pve1/lxc/201/status/current')).toMatchObject({
			maxdisk: 15 * GIB
		});
	});
});

describe('life', () => {
	test('a running or protected container is not destroyed', async () => {
		await pve.runningContainer(201);
		expect((await request('DELETE', '/nodes/pve1/lxc/201')).reason).toContain('CT 201 is running');
		await data('PUT', '/nodes/pve1/lxc/201/config', { protection: 1 });
		expect((await request('DELETE', '/nodes/pve1/lxc/201?force=1')).reason).toContain(
			'protection mode enabled'
		);
		await data('PUT', '/nodes/pve1/lxc/201/config', { protection: 0 });
		expect(await task('DELETE', '/nodes/pve1/lxc/201?force=1&purge=1')).toBe('OK');
		expect((await request('GET', '/nodes/pve1/lxc/201/status/current')).reason).toContain(
			'does not exist'
		);
		expect(pve.cluster.guests.get(201)).toBeUndefined();
	});

	test('a template does not start, a stopped one does not stop', async () => {
		expect(
			(await request('POST', '/nodes/pve1/lxc/9018/status/start', { form: {} })).reason
		).toContain('template');
		expect((await request('POST', '/nodes/pve1/lxc/9018/status/stop', { form: {} })).reason).toBe(
			'CT 9018 not running'
		);
	});

	test('a new container is privileged unless the call says otherwise', async () => {
		const template = 'local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst';
		expect(
			await task('POST', '/nodes/pve1/lxc', {
				vmid: 300,
				ostemplate: template,
				rootfs: 'local-lvm:8',
				hostname: 'bare'
			})
		).toBe('OK');
		expect(await config(300)).toMatchObject({
			unprivileged: 0,
			rootfs: 'local-lvm:vm-300-disk-0,size=8G',
			memory: 512
		});
		const again = await request('POST', '/nodes/pve1/lxc', {
			form: { vmid: 300, ostemplate: template }
		});
		expect(again.reason).toContain('already exists');
	});

	test('migrates stopped, or running with a restart', async () => {
		await pve.runningContainer(201);
		const live = await request('POST', '/nodes/pve1/lxc/201/migrate', {
			form: { target: 'pve2', online: 1 }
		});
		expect(live.reason).toBe('lxc live migration is currently not implemented');
		expect(await task('POST', '/nodes/pve1/lxc/201/migrate', { target: 'pve2', restart: 1 })).toBe(
			'OK'
		);
		expect(await data('GET', '/nodes/pve2/lxc/201/status/current')).toMatchObject({
			status: 'running'
		});
	});

	test('a backup is a file with a size that can be restored, also over its container', async () => {
		await pve.runningContainer(201);
		const note = { 'notes-template': '{{guestname}} on {{node}}' };
		expect(
			await task('POST', '/nodes/pve1/vzdump', {
				vmid: 201,
				storage: 'nfs-backup',
				mode: 'snapshot',
				...note
			})
		).toBe('OK');
		const files = (await data(
			'GET',
			'/nodes/pve2/storage/nfs-backup/content?content=backup&vmid=201'
		)) as { volid: string; size: number; notes: string }[];
		expect(files).toHaveLength(1);
		const [file] = files;
		expect(file).toMatchObject({ vmid: 201, notes: 'ct201 on pve1', format: 'tar.zst' });
		expect(file!.size).toBeGreaterThan(500);
		delete pve.cluster.guests.get(201)!.databases.tpl_18_es;
		const over = { vmid: 201, ostemplate: file!.volid, restore: 1, storage: 'ceph' };
		expect((await request('POST', '/nodes/pve1/lxc', { form: over })).reason).toContain(
			'already exists'
		);
		await task('POST', '/nodes/pve1/lxc/201/status/stop');
		expect(await task('POST', '/nodes/pve1/lxc', { ...over, force: 1 })).toBe('OK');
		expect(Object.keys(pve.cluster.guests.get(201)!.databases)).toContain('tpl_18_es');
		expect(
			await task(
				'DELETE',
				`/nodes/pve1/storage/nfs-backup/content/${encodeURIComponent(file!.volid)}`
			)
		).toBe('OK');
		expect(await data('GET', '/nodes/pve1/storage/nfs-backup/content')).toEqual([]);
	});

	test('nothing to back up on this node is OK without a task', async () => {
		await pve.runningContainer(201);
		expect(await data('POST', '/nodes/pve2/vzdump', { vmid: 201, storage: 'nfs-backup' })).toBe(
			'OK'
		);
	});

	test('a snapshot brings configuration and data back', async () => {
		await pve.runningContainer(201);
		await task('POST', '/nodes/pve1/lxc/201/snapshot', {
			snapname: 'before',
			description: 'first'
		});
		await data('PUT', '/nodes/pve1/lxc/201/config', { cores: 8 });
		pve.cluster.guests.get(201)!.databases = {};
		expect(await task('POST', '/nodes/pve1/lxc/201/snapshot/before/rollback', { start: 1 })).toBe(
			'OK'
		);
		expect((await config(201)).cores).toBe(2);
		expect(Object.keys(pve.cluster.guests.get(201)!.databases)).toHaveLength(2);
		const rows = (await data('GET', '/nodes/pve1/lxc/201/snapshot')) as { name: string }[];
		expect(rows.map((row) => row.name)).toEqual(['before', 'current']);
	});
});
