import { GIB } from '#lib/core/bytes.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { after, DAY, HOUR, MINUTE, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { placeTenant, testContainers } from '../../../../tests/setup/containers.ts';
import { ensureContainer } from '../containers/containers.server.ts';
import { clusterLoad, nodeFigures } from '../nodes/figures.server.ts';
import { collectMetrics, watchClusters } from './metrics.server.ts';
import { latestSample } from './series.server.ts';
import { tamper } from '../../../sandbox/proxmox/tamper.ts';
import { repairDrift } from '#lib/logs/drifts.server.ts';
import { reconcileClusters } from '../drift/reconcile.server.ts';
import '../drift/repairs.server.ts';

const { sandbox, pve } = await testContainers({ work: false });
const [pve1] = await db.node.findMany({ orderBy: { name: 'asc' } });
const nodeNamed = (name: string) => db.node.findFirstOrThrow({ where: { name } });
/** Rows are written at times of their own. */
const sample = (at: Date, values: object) =>
	db.resourceMetric.create({ data: { recordedAt: at, ...values } });
const hour = (at: Date) => new Date(Math.floor(at.getTime() / HOUR) * HOUR);

beforeEach(async () => {
	setClockOffset(0);
	sandbox.kernel.clock.offsetMs = 0;
	sandbox.kernel.faults.clear();
	for (const { name } of pve.state.nodes) pve.setOnline(name, true);
	// A look at another time of ours than the sandbox's finds a clock that is off.
	const well = { status: 'online' as const, haltedAt: null, misses: 0, health: Prisma.DbNull };
	await db.node.updateMany({ data: well });
	await db.alert.deleteMany();
	await db.$executeRaw`TRUNCATE resource_metrics, resource_metrics_hourly, resource_metrics_daily, metric_counters`;
});

describe('a round', () => {
	it('stores what nodes, containers and their instances use, by one call and no statement for each', async () => {
		const dedicated = await placeTenant();
		await ensureContainer(dedicated.run, dedicated.place.containerId);
		const shared = await placeTenant('shared');
		await ensureContainer(shared.run, shared.place.containerId);
		pve.state.nodes[0]!.extraMemoryBytes = 20 * GIB;
		const seen = sandbox.kernel.calls.list({ vendor: 'proxmox' }).length;
		await collectMetrics();
		expect(sandbox.kernel.calls.list({ vendor: 'proxmox' }).length - seen).toBe(1);
		pve.state.nodes[0]!.extraMemoryBytes = 0;
		const rows = await db.resourceMetric.findMany();
		expect(rows.filter(({ nodeId }) => nodeId)).toHaveLength(3);
		const first = rows.find(({ nodeId }) => nodeId === pve1!.id)!;
		expect(first.ramMb).toBeGreaterThan(20 * 1024);
		expect(first.diskGb).toBeGreaterThan(0);
		const tenant = await db.tenant.findUniqueOrThrow({ where: { id: dedicated.tenantId } });
		const own = rows.find(({ containerId }) => containerId === dedicated.place.containerId);
		expect(own).toMatchObject({
			...{ tenantId: tenant.id, customerId: tenant.customerId, tenants: 1 },
			...{ cpuFraction: expect.any(Number), ramMb: expect.any(Number), networkInKb: null }
		});
		const common = rows.find(({ containerId }) => containerId === shared.place.containerId);
		expect(common).toMatchObject({ tenantId: null, customerId: null, tenants: 1 });
		sandbox.kernel.clock.offsetMs += 60_000;
		await collectMetrics();
		const last = await db.resourceMetric.findFirstOrThrow({
			where: { containerId: dedicated.place.containerId },
			orderBy: { recordedAt: 'desc' }
		});
		expect(last.networkInKb).toBeGreaterThan(0);
		const { nodeId } = await db.container.findUniqueOrThrow({
			where: { id: dedicated.place.containerId }
		});
		const ofNode = await db.resourceMetric.findFirstOrThrow({
			where: { nodeId },
			orderBy: { recordedAt: 'desc' }
		});
		expect(ofNode.networkInKb).toBeGreaterThanOrEqual(last.networkInKb!);
	});

	it('knows no traffic where the counters began again, or were read too long ago', async () => {
		const { run, place } = await placeTenant();
		await ensureContainer(run, place.containerId);
		const traffic = async () => {
			await collectMetrics();
			const row = await db.resourceMetric.findFirstOrThrow({
				where: { containerId: place.containerId },
				orderBy: { recordedAt: 'desc' }
			});
			return row.networkInKb;
		};
		sandbox.kernel.clock.offsetMs += 3_600_000;
		expect(await traffic()).toBeNull();
		pve.markRunning(pve.state.containers[place.vmid]!, 0);
		expect(await traffic()).toBeNull();
		setClockOffset(20 * MINUTE);
		sandbox.kernel.clock.offsetMs += 60_000;
		expect(await traffic()).toBeNull();
		sandbox.kernel.clock.offsetMs += 60_000;
		expect(await traffic()).toBeGreaterThan(0);
	});

	it('takes the answering time from the probes since the one before, over the hour, of every instance and together', async () => {
		const { run, place, tenantId } = await placeTenant('shared');
		await ensureContainer(run, place.containerId);
		const { customerId } = await db.tenant.findUniqueOrThrow({ where: { id: tenantId } });
		const begin = after(hour(now()), 58 * MINUTE);
		const at = (ms: number) => setClockOffset(begin.getTime() + ms - Date.now());
		const probed = (offset: number, answered: number, latencySumMs: number) =>
			db.tenantUptime.upsert({
				where: { tenantId_at: { tenantId, at: hour(after(begin, offset)) } },
				create: { tenantId, customerId, at: hour(after(begin, offset)), answered, latencySumMs },
				update: { answered, latencySumMs }
			});
		const told = async () => {
			await collectMetrics();
			const rows = await db.resourceMetric.findMany({
				where: { recordedAt: { gte: after(now(), -30_000) }, latencyMs: { not: null } }
			});
			const of = (is: (row: (typeof rows)[number]) => boolean) => rows.find(is)?.latencyMs;
			return [
				of((row) => row.tenantId === tenantId),
				of((row) => row.containerId === place.containerId)
			];
		};
		at(0);
		await probed(0, 3, 600);
		expect(await told()).toEqual([200, 200]);
		at(MINUTE);
		await probed(0, 4, 1_000);
		expect(await told()).toEqual([400, 400]);
		at(5 * MINUTE);
		await probed(0, 5, 1_100);
		await probed(5 * MINUTE, 1, 300);
		expect(await told()).toEqual([200, 200]);
		at(6 * MINUTE);
		expect(await told()).toEqual([undefined, undefined]);
	});

	it('is stored once for each span of the setting, and follows containers every minute', async () => {
		const { run, place } = await placeTenant();
		await ensureContainer(run, place.containerId);
		const begin = after(hour(now()), HOUR).getTime();
		const stored = async (minute: number) => {
			setClockOffset(begin + minute * MINUTE - Date.now());
			await watchClusters();
			return db.resourceMetric.count({ where: { nodeId: pve1!.id } });
		};
		expect(await stored(0.2)).toBe(1);
		expect(await stored(4.9)).toBe(1);
		pve.markStopped(pve.state.containers[place.vmid]!);
		expect(await stored(4.95)).toBe(1);
		expect(
			await db.container.findUniqueOrThrow({ where: { id: place.containerId } })
		).toMatchObject({ status: 'stopped' });
		expect(await stored(5.01)).toBe(2);
	});

	it('follows nothing else that has our VMID: it is read once, and told; ours without its name is followed', async () => {
		const { run, place } = await placeTenant();
		await ensureContainer(run, place.containerId);
		await db.provisioningJob.updateMany({ data: { status: 'succeeded' } });
		const guest = pve.state.containers[place.vmid]!;
		const row = () => db.container.findUniqueOrThrow({ where: { id: place.containerId } });
		const { nodeId, hostname } = await row();
		const [to] = pve.state.nodes.filter(({ name }) => name !== guest.node);
		const mark = guest.config.description;
		tamper(pve, guest, { description: '', tags: '', hostname: 'ajeno', node: to!.name });
		sandbox.kernel.calls.clear();
		for (let rounds = 0; rounds < 2; rounds++) await collectMetrics();
		expect(sandbox.kernel.calls.list({ vendor: 'proxmox', match: '/config' })).toHaveLength(1);
		expect(await row()).toMatchObject({ status: 'running', nodeId });
		const drift = { subjectId: place.containerId, closedAt: null };
		expect(await db.drift.findMany({ where: drift })).toMatchObject([
			{ kind: 'infrastructure.mark', cause: 'mark-gone', theirs: { mark: null, hostname: 'ajeno' } }
		]);
		// Nor does it by hand.
		await reconcileClusters();
		const where = { ...drift, kind: 'infrastructure.moved' };
		const { id } = await db.drift.findFirstOrThrow({ where });
		const by = { kind: 'staff' as const, id: null, label: 'ops@example.com' };
		await expect(repairDrift(id, by)).rejects.toMatchObject({ code: 'BY_HAND' });
		await db.drift.deleteMany();
		tamper(pve, guest, { description: String(mark), hostname: `${hostname}-otro` });
		await collectMetrics();
		expect(await row()).toMatchObject({ nodeId: (await nodeNamed(to!.name)).id });
		expect(await db.drift.findMany({ where: drift })).toEqual([]);
	});

	it('leaves a node that is down without values, and then the load is not known', async () => {
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
			...{ nodesOnline: 2, nodes: 3, used: { ram: expect.any(Number) } }
		});
	});

	it('is not known any more after fifteen minutes', async () => {
		await collectMetrics();
		setClockOffset(14 * MINUTE);
		expect((await clusterLoad(db)).used).not.toBeNull();
		setClockOffset(16 * MINUTE);
		expect((await clusterLoad(db)).used).toBeNull();
		expect((await clusterLoad(db)).committed).not.toBeNull();
		const latest = await latestSample(db, { kind: 'node', id: pve1!.id }, DAY);
		expect(latest).toMatchObject({ isFresh: false, cpuFraction: expect.any(Number) });
	});

	it('gives the load as the largest of CPU, memory and disk over all online nodes', async () => {
		for (const { id, name } of await db.node.findMany())
			await sample(now(), {
				...{ nodeId: id, cpuFraction: name === 'pve1' ? 0.9 : 0.3, ramMb: 32_768, diskGb: 100 }
			});
		const { used, committed } = await clusterLoad(db);
		expect(used!.cpu).toBeCloseTo(0.5);
		expect(used!.ram).toBeCloseTo(0.5);
		expect(used!.disk).toBeCloseTo(0.1);
		expect(used!.largest).toBeCloseTo(0.5);
		expect(committed!.largest).toBeGreaterThan(0);
	});
});
