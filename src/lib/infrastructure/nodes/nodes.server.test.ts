import { beforeEach, describe, expect, it } from 'vitest';
import { DAY, MINUTE, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { placeTenant, testContainers } from '../../../../tests/setup/containers.ts';
import { ensureContainer } from '../containers/containers.server.ts';
import { clusterLoad, nodeFigures } from './figures.server.ts';
import { collectMetrics, pruneMetrics } from '../metrics/metrics.server.ts';
import { checkNodes } from './nodes.server.ts';

const { sandbox, pve } = await testContainers({ work: false });
const GIB = 1024 ** 3;
const node = (name: string) => db.node.findFirstOrThrow({ where: { name } });
const woken = async () => {
	const rows = await db.$queryRaw<{ count: bigint }[]>`
		SELECT count(*) FROM pgboss.job WHERE name = 'provisioning.capacity-appeared'`;
	return Number(rows[0]!.count);
};

beforeEach(async () => {
	setClockOffset(0);
	sandbox.kernel.faults.clear();
	for (const { name } of pve.state.nodes) pve.setOnline(name, true);
	pve.state.nodes.forEach((one) =>
		Object.assign(one, { extraCores: 0, extraMemoryBytes: 0, cores: 16 })
	);
	await db.node.updateMany({ data: { status: 'online', cpuTotal: 16 } });
	await db.alert.deleteMany();
	await db.resourceMetric.deleteMany();
});

describe('a check', () => {
	it('stores what each node says of itself', async () => {
		await db.node.updateMany({ data: { proxmoxVersion: null, ramTotalMb: 1, lastSeenAt: null } });
		await checkNodes();
		// 3000 GiB of shared storage in three equal parts.
		expect(await node('pve2')).toMatchObject({
			status: 'online',
			proxmoxVersion: '9.1.6',
			cpuTotal: 16,
			ramTotalMb: 65_536,
			diskTotalGb: 1000,
			lastSeenAt: expect.any(Date)
		});
	});

	it('notices a node that goes down, tells staff, and takes it back when it answers', async () => {
		pve.setOnline('pve2', false);
		await checkNodes();
		expect(await node('pve2')).toMatchObject({ status: 'offline' });
		expect(await node('pve1')).toMatchObject({ status: 'online' });
		const open = await db.alert.findFirstOrThrow({ where: { closedAt: null } });
		expect(open).toMatchObject({ rule: 'infrastructure.node-offline', data: { node: 'pve2' } });
		const before = await woken();
		pve.setOnline('pve2', true);
		await checkNodes();
		expect(await node('pve2')).toMatchObject({ status: 'online' });
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(0);
		expect(await woken()).toBe(before + 1);
	});

	it('wakes who waits when a node has grown, and only then', async () => {
		const before = await woken();
		await checkNodes();
		expect(await woken()).toBe(before);
		pve.state.nodes[0]!.cores = 32;
		await checkNodes();
		expect(await node('pve1')).toMatchObject({ cpuTotal: 32 });
		expect(await woken()).toBe(before + 1);
	});

	it('leaves a node in maintenance to the staff', async () => {
		await db.node.updateMany({ where: { name: 'pve3' }, data: { status: 'maintenance' } });
		pve.setOnline('pve3', false);
		await checkNodes();
		expect(await node('pve3')).toMatchObject({ status: 'maintenance' });
	});

	it('that is answered late does not undo what a later one has found out', async () => {
		await db.node.updateMany({ where: { name: 'pve2' }, data: { status: 'offline' } });
		const { host } = new URL((await node('pve2')).apiUrl);
		let later = Promise.resolve();
		let isBack = false;
		const ofNode = { target: 'proxmox' as const, times: 1 };
		sandbox.kernel.faults.add({
			...{ ...ofNode, match: '/version', kind: 'delay', ms: 3_000 },
			only: (_line, context) => context.includes(host),
			onTaken: () => (later = checkNodes().then(() => void (isBack = true)))
		});
		// The first look goes on only when the second has seen that all is well, and is refused.
		sandbox.kernel.faults.add({
			...{ ...ofNode, match: '/status', kind: 'status', status: 401 },
			only: (_line, context) => isBack && context.includes(host)
		});
		await checkNodes();
		await later;
		expect(sandbox.kernel.faults.list()).toEqual([]);
		expect(await node('pve2')).toMatchObject({ status: 'online' });
		expect(await db.alert.count()).toBe(0);
	});

	it('says why when a node shows another certificate', async () => {
		const { apiFingerprint, id } = await node('pve3');
		await db.node.update({
			where: { id },
			data: { apiFingerprint: apiFingerprint.replace(/../g, '00') }
		});
		await checkNodes();
		await db.node.update({ where: { id }, data: { apiFingerprint } });
		expect(await node('pve3')).toMatchObject({ status: 'offline' });
		const alert = await db.alert.findFirstOrThrow();
		expect(JSON.stringify(alert.data)).toContain('another certificate');
	});
});

describe('metrics', () => {
	it('are what the nodes and our containers say, and of a dedicated one its tenant’s, too', async () => {
		const placed = await placeTenant();
		await ensureContainer(placed.run, placed.place.containerId);
		pve.state.nodes[0]!.extraMemoryBytes = 20 * GIB;
		await collectMetrics();
		const rows = await db.resourceMetric.findMany();
		expect(rows.filter(({ nodeId }) => nodeId)).toHaveLength(3);
		const pve1 = rows.find(({ nodeId }) => nodeId === pve1Id)!;
		expect(pve1.ramMb).toBeGreaterThan(20 * 1024);
		expect(pve1.diskGb).toBeGreaterThan(0);
		const [mine] = rows.filter(({ containerId }) => containerId === placed.place.containerId);
		const tenant = await db.tenant.findUniqueOrThrow({ where: { id: placed.tenantId } });
		expect(mine).toMatchObject({
			tenantId: placed.tenantId,
			customerId: tenant.customerId,
			cpuFraction: expect.any(Number),
			ramMb: expect.any(Number),
			networkInKb: null
		});
		sandbox.kernel.clock.offsetMs += 60_000;
		await collectMetrics();
		const last = await db.resourceMetric.findFirstOrThrow({
			where: { containerId: placed.place.containerId },
			orderBy: { recordedAt: 'desc' }
		});
		expect(last.networkInKb).toBeGreaterThan(0);
		sandbox.kernel.clock.offsetMs = 0;
	});

	it('are missing for a node that is down, and then the load is not known', async () => {
		pve.setOnline('pve3', false);
		await collectMetrics();
		const nodes = (await nodeFigures(db)).map(({ name, used }) => [name, used !== null]);
		expect(nodes).toEqual([
			['pve1', true],
			['pve2', true],
			['pve3', false]
		]);
		expect((await clusterLoad(db)).used).toBeNull();
		await db.node.updateMany({ where: { name: 'pve3' }, data: { status: 'offline' } });
		expect(await clusterLoad(db)).toMatchObject({
			nodesOnline: 2,
			nodes: 3,
			used: { ram: expect.any(Number) }
		});
	});

	it('are not known any more after fifteen minutes', async () => {
		await collectMetrics();
		expect((await clusterLoad(db)).used).not.toBeNull();
		setClockOffset(14 * MINUTE);
		expect((await clusterLoad(db)).used).not.toBeNull();
		setClockOffset(16 * MINUTE);
		expect((await clusterLoad(db)).used).toBeNull();
		expect((await clusterLoad(db)).committed).not.toBeNull();
	});

	it('give the load as the largest of CPU, memory and disk over all online nodes', async () => {
		await db.resourceMetric.createMany({
			data: (await db.node.findMany()).map(({ id, name }) => ({
				recordedAt: now(),
				nodeId: id,
				cpuFraction: name === 'pve1' ? 0.9 : 0.3,
				ramMb: 32_768,
				diskGb: 100
			}))
		});
		const { used, committed } = await clusterLoad(db);
		expect(used!.cpu).toBeCloseTo(0.5);
		expect(used!.ram).toBeCloseTo(0.5);
		expect(used!.disk).toBeCloseTo(0.1);
		expect(used!.largest).toBeCloseTo(0.5);
		expect(committed!.largest).toBeGreaterThan(0);
	});

	it('follow a container that somebody stopped, started or moved, and report one that vanished', async () => {
		const placed = await placeTenant();
		await ensureContainer(placed.run, placed.place.containerId);
		const row = () =>
			db.container.findUniqueOrThrow({
				where: { id: placed.place.containerId },
				include: { node: true }
			});
		const guest = pve.state.containers[placed.place.vmid]!;
		pve.markStopped(guest);
		guest.node = 'pve1';
		await collectMetrics();
		expect(await row()).toMatchObject({ status: 'stopped', node: { name: 'pve1' } });
		pve.markRunning(guest, 0);
		await collectMetrics();
		expect(await row()).toMatchObject({ status: 'running' });
		delete pve.state.containers[placed.place.vmid];
		await collectMetrics();
		expect(await row()).toMatchObject({ status: 'error' });
		expect(await db.alert.findFirst()).toMatchObject({ rule: 'infrastructure.container-missing' });
		pve.state.containers[placed.place.vmid] = guest;
		await collectMetrics();
		expect(await row()).toMatchObject({ status: 'running' });
	});

	it('lie in a partition of their day, which goes after thirty days', async () => {
		await collectMetrics();
		const day = now().toISOString().slice(0, 10).replaceAll('-', '');
		const [where] = await db.$queryRaw<{ name: string }[]>`
			SELECT tableoid::regclass::text AS name FROM resource_metrics LIMIT 1`;
		expect(where!.name).toBe(`resource_metrics_${day}`);
		expect(await pruneMetrics()).toEqual([]);
		setClockOffset(32 * DAY);
		expect(await pruneMetrics()).toContain(`resource_metrics_${day}`);
		expect(await db.resourceMetric.count()).toBe(0);
	});
});

const pve1Id = (await node('pve1')).id;
