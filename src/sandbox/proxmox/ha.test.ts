import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { haOf } from './ha.ts';
import { testCluster } from './testing.ts';

const pve = await testCluster();
const { request, data, task, cluster } = pve;
afterAll(() => pve.close());
beforeEach(() => pve.kernel.reset());

const died = (node: string) => cluster.setOnline(node, false);
const where = (vmid: number) => {
	const { node, status } = cluster.state.containers[vmid]!;
	return { node, status };
};
const services = async () =>
	((await data('GET', '/cluster/ha/status/current')) as { type: string }[]).filter(
		({ type }) => type === 'service'
	);

describe('a managed container', () => {
	test('of a node that dies runs on the node that its rule likes best, as the status says', async () => {
		await pve.runningContainer(201, 'pve3');
		await data('POST', '/cluster/ha/resources', { sid: 'ct:201', comment: 'ours' });
		await data('POST', '/cluster/ha/rules', {
			...{ rule: 'ct201', type: 'node-affinity', resources: 'ct:201' },
			nodes: 'pve3:3,pve2:2,pve1:1'
		});
		expect(await data('GET', '/cluster/ha/resources/ct:201')).toMatchObject({
			...{ sid: 'ct:201', type: 'ct', state: 'started', comment: 'ours', max_relocate: 1 }
		});
		died('pve3');
		await expect.poll(() => where(201)).toEqual({ node: 'pve2', status: 'running' });
		expect(await services()).toMatchObject([
			{ sid: 'ct:201', node: 'pve2', state: 'started', request_state: 'started' }
		]);
		expect(await data('GET', '/cluster/resources?type=vm')).toContainEqual(
			expect.objectContaining({ vmid: 201, node: 'pve2', hastate: 'started' })
		);
		// It is liked better there, so it goes home.
		cluster.setOnline('pve3', true);
		await expect.poll(() => where(201)).toEqual({ node: 'pve3', status: 'running' });
	});

	test('stays where it is while most of the cluster is away', async () => {
		await pve.runningContainer(201, 'pve3');
		await data('POST', '/cluster/ha/resources', { sid: '201' });
		died('pve2');
		died('pve3');
		await expect.poll(() => haOf(cluster).resourceOf(201)?.crm).toBe('fence');
		expect(where(201)).toEqual({ node: 'pve3', status: 'stopped' });
		expect(await data('GET', '/cluster/ha/status/current')).toContainEqual(
			expect.objectContaining({ id: 'quorum', quorate: 0 })
		);
	});

	test('is started, stopped and moved by the manager, and removed with `purge` alone', async () => {
		await pve.runningContainer(201, 'pve2');
		await data('POST', '/cluster/ha/resources', { sid: 'ct:201' });
		const stopped = String(await data('POST', '/nodes/pve2/lxc/201/status/shutdown'));
		expect(stopped).toContain(':hastop:201:');
		await expect.poll(() => where(201).status).toBe('stopped');
		expect(await data('GET', '/cluster/ha/resources/ct:201')).toMatchObject({ state: 'stopped' });
		expect(await task('POST', '/nodes/pve2/lxc/201/status/start')).toBe('OK');
		await expect.poll(() => where(201).status).toBe('running');
		expect(await task('POST', '/nodes/pve2/lxc/201/migrate', { target: 'pve1', restart: 1 })).toBe(
			'OK'
		);
		expect(where(201)).toEqual({ node: 'pve1', status: 'running' });
		await task('POST', '/nodes/pve1/lxc/201/status/stop');
		await expect.poll(() => where(201).status).toBe('stopped');
		expect(await request('DELETE', '/nodes/pve1/lxc/201')).toMatchObject({
			status: 500,
			reason: 'unable to remove CT 201 - used in HA resources and purge parameter not set.'
		});
		expect(await task('DELETE', '/nodes/pve1/lxc/201?purge=1')).toBe('OK');
		expect(await services()).toEqual([]);
	});

	test('is stopped by a task of the manager after the one that asked has ended, and starts again only when asked', async () => {
		await pve.runningContainer(201, 'pve2');
		await data('POST', '/cluster/ha/resources', { sid: 'ct:201' });
		const of = (type: string) => cluster.state.tasks.find((one) => one.type === type);
		pve.kernel.faults.add({ target: 'proxmox', match: 'TASK vzstop', kind: 'delay', ms: 50 });
		expect(await task('POST', '/nodes/pve2/lxc/201/status/stop')).toBe('OK');
		expect([where(201).status, of('hastop')?.exitstatus]).toEqual(['running', 'OK']);
		expect(await services()).toMatchObject([{ state: 'request_stop', request_state: 'stopped' }]);
		await expect.poll(() => where(201).status).toBe('stopped');
		expect(of('vzstop')).toMatchObject({ user: 'root@pam', id: '201' });
		expect(
			await request('POST', '/nodes/pve2/lxc/201/status/shutdown', { form: { timeout: 5 } })
		).toMatchObject({ status: 500, reason: 'CT 201 not running' });
		await data('PUT', '/cluster/ha/resources/ct:201', { state: 'started' });
		await expect.poll(() => where(201).status).toBe('running');
		const overruled = { form: { 'overrule-shutdown': 1 } };
		expect(await request('POST', '/nodes/pve2/lxc/201/status/stop', overruled)).toMatchObject({
			status: 400
		});
	});

	test('that does not end in time is an error, out of which `disabled` leads alone; `ignored` leaves it to itself', async () => {
		await pve.runningContainer(201, 'pve2');
		await data('POST', '/cluster/ha/resources', { sid: 'ct:201' });
		cluster.state.containers[201]!.ignoresShutdown = true;
		const current = async () =>
			(
				(await data('GET', '/nodes/pve2/lxc/201/status/current')) as {
					ha: { managed: number; state?: string };
				}
			).ha;
		const ask = (state: string) => data('PUT', '/cluster/ha/resources/ct:201', { state });
		// That the plug may be pulled is not handed on.
		await data('POST', '/nodes/pve2/lxc/201/status/shutdown', { timeout: 1, forceStop: 1 });
		await expect.poll(current).toEqual({ managed: 1, state: 'error' });
		await data('POST', '/nodes/pve2/lxc/201/status/stop');
		await ask('started');
		expect([await current(), where(201).status]).toEqual([
			{ managed: 1, state: 'error' },
			'running'
		]);
		await ask('disabled');
		await expect.poll(current).toEqual({ managed: 1, state: 'stopped' });
		expect(where(201).status).toBe('running');
		await ask('ignored');
		expect(await current()).toEqual({ managed: 0 });
		expect(String(await data('POST', '/nodes/pve2/lxc/201/status/stop'))).toContain(':vzstop:');
		await expect.poll(() => where(201).status).toBe('stopped');
		await ask('started');
		await expect.poll(() => where(201).status).toBe('running');
		expect(await current()).toEqual({ managed: 1, state: 'started' });
	});

	test('is told apart from what is none, twice, or nobody’s', async () => {
		expect(
			await request('POST', '/cluster/ha/resources', { form: { sid: 'ct:999' } })
		).toMatchObject({ status: 500, reason: "unable to find CT '999'" });
		await pve.runningContainer(201);
		await data('POST', '/cluster/ha/resources', { sid: 'ct:201' });
		expect(
			await request('POST', '/cluster/ha/resources', { form: { sid: 'ct:201' } })
		).toMatchObject({
			status: 500,
			reason: "create resource failed: resource ID 'ct:201' already defined"
		});
		expect(await request('GET', '/cluster/ha/resources/ct:202')).toMatchObject({ status: 500 });
		expect(
			await request('GET', '/cluster/ha/resources', {
				token: 'auditor@pve!readonly=5a9db0c5-0000-4000-8000-a0d1704a0d17'
			})
		).toMatchObject({ status: 200 });
		expect(
			await request('DELETE', '/cluster/ha/resources/ct:201', {
				token: 'auditor@pve!readonly=5a9db0c5-0000-4000-8000-a0d1704a0d17'
			})
		).toMatchObject({ status: 403 });
	});
});

describe('replication', () => {
	const onZfs = async (vmid: number, node: string) => {
		await pve.runningContainer(vmid, node);
		cluster.state.containers[vmid]!.config.rootfs = `local-zfs:subvol-${vmid}-disk-0,size=10G`;
	};
	const jobs = () =>
		data('GET', '/nodes/pve2/replication?guest=201') as Promise<{ last_sync: number }[]>;

	test('sends a disk ahead, and a failover finds what was inside at the last sync', async () => {
		await onZfs(201, 'pve2');
		await data('POST', '/cluster/replication', {
			...{ id: '201-0', type: 'local', target: 'pve3', schedule: '*/1' }
		});
		await expect.poll(async () => (await jobs())[0]?.last_sync).toBeGreaterThan(0);
		cluster.guests.get(201)!.databases.later = structuredClone(
			Object.values(cluster.guests.get(201)!.databases)[0]!
		);
		await data('POST', '/cluster/ha/resources', { sid: 'ct:201' });
		died('pve2');
		await expect.poll(() => where(201)).toEqual({ node: 'pve3', status: 'running' });
		expect(cluster.guests.get(201)!.databases).not.toHaveProperty('later');
		// From now on it is sent the other way.
		expect(await data('GET', '/cluster/replication/201-0')).toMatchObject({ target: 'pve2' });
	});

	test('says when it cannot send, and who has no copy does not come back elsewhere', async () => {
		await onZfs(201, 'pve2');
		died('pve3');
		expect(
			await request('POST', '/cluster/replication', {
				form: { id: '201-0', type: 'local', target: 'pve3' }
			})
		).toMatchObject({ status: 595 });
		cluster.setOnline('pve3', true);
		await data('POST', '/cluster/ha/resources', { sid: 'ct:201' });
		died('pve2');
		await expect.poll(() => haOf(cluster).resourceOf(201)?.crm).toBe('recovery');
		expect(where(201)).toEqual({ node: 'pve2', status: 'stopped' });
		// Its own node brings it back.
		cluster.setOnline('pve2', true);
		await expect.poll(() => where(201).status).toBe('running');
	});

	test('fails where the other node has no room, and keeps what it needs of a snapshot that was gone back to', async () => {
		await onZfs(201, 'pve2');
		const snapshots = '/nodes/pve2/lxc/201/snapshot';
		for (const snapname of ['base', 'later']) await task('POST', snapshots, { snapname });
		expect(await task('POST', `${snapshots}/base/rollback`)).toContain(
			"can't rollback, 'base' is not most recent snapshot on 'local-zfs:subvol-201-disk-0'"
		);
		expect(where(201).status).toBe('running');
		expect(await task('DELETE', `${snapshots}/later`)).toBe('OK');
		const target = { id: '201-0', type: 'local', target: 'pve3' };
		await data('POST', '/cluster/replication', target);
		await expect.poll(async () => (await jobs())[0]?.last_sync).toBeGreaterThan(0);
		expect(await request('DELETE', '/nodes/pve2/lxc/201')).toMatchObject({ status: 500 });
		expect(await task('POST', `${snapshots}/base/rollback`, { start: 1 })).toBe('OK');
		expect(await task('DELETE', `${snapshots}/base`)).toBe(
			"snapshot 'base' needed by replication job '201-0' - run replication first"
		);
		const storage = cluster.storage('local-zfs');
		storage.filled.pve3 = storage.totalBytes;
		const again = () => data('POST', '/nodes/pve2/replication/201-0/schedule_now');
		await again();
		await expect
			.poll(jobs)
			.toMatchObject([{ fail_count: 1, error: expect.stringContaining('out of space') }]);
		storage.filled.pve3 = 0;
		await again();
		await expect.poll(jobs).toMatchObject([{ fail_count: 0 }]);
		expect(await task('DELETE', `${snapshots}/base`)).toBe('OK');
	});

	test('is refused for storages that cannot', async () => {
		await pve.runningContainer(201, 'pve2');
		const refused = await request('POST', '/cluster/replication', {
			form: { id: '201-0', type: 'local', target: 'pve3' }
		});
		expect(refused.reason).toContain('missing replicate feature on volume');
	});
});
