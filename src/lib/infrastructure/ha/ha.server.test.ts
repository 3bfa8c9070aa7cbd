import { beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { repairDrift } from '#lib/logs/drifts.server.ts';
import { evaluateAlerts } from '#lib/notifications/alerts/evaluate.server.ts';
import { PRO } from '../../../../tests/factories/infrastructure.ts';
import type { Placed } from '../../../../tests/setup/containers.ts';
import { testGuarded } from '../../../../tests/setup/guarded.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import '../alerts/replicationAge.server.ts';
import { askForAct } from '../containers/acts.server.ts';
import { oneContainer } from '../containers/containerView.server.ts';
import { reconcileClusters } from '../drift/reconcile.server.ts';
import { collectMetrics } from '../metrics/metrics.server.ts';
import { nodeFigures } from '../nodes/figures.server.ts';
import { beginMaintenance, endMaintenance } from '../nodes/maintenance.server.ts';
import { checkNodes } from '../nodes/nodes.server.ts';
import { endFailovers } from './failovers.server.ts';
import { removeHa } from './ha.server.ts';
import { haOfContainer } from './haView.server.ts';
import { watchHa } from './watch.server.ts';
import { Prisma } from '#prisma/generated/client.ts';

const world = await testGuarded();
const { sandbox, pve, ha, by, rowOf, guarded, ensured, inProxmox, gone } = world;
const alerts = () =>
	db.alert.count({ where: { rule: 'infrastructure.failed-over', closedAt: null } });

beforeEach(() => world.begin());
describe('on storage that the nodes share', () => {
	let placed: Placed;

	it('is put under the manager on two nodes, with its room promised on both, and nothing is copied', async () => {
		placed = await guarded();
		const row = await rowOf(placed);
		expect(row).toMatchObject({ storage: null, guard: { state: 'started', replicated: false } });
		expect(ha.resourceOf(row.vmid)).toMatchObject({ state: 'started', failback: false });
		expect(ha.state.rules).toMatchObject([{ rule: `erpcore-ct${row.vmid}`, strict: true }]);
		const nodes = [row.at, row.standby].sort().join();
		expect(inProxmox(row.vmid)).toEqual({ resource: 'started', nodes: [nodes], copies: [] });
		const figures = await nodeFigures(db);
		const standby = figures.find(({ name }) => name === row.standby)!;
		expect(standby).toMatchObject({ expected: 1 });
		expect(standby.committed.ramMb).toBeGreaterThanOrEqual(PRO.ramMb);
	});

	it('stays stopped when staff stop it, and is looked after again when they start it', async () => {
		const { id, vmid } = await rowOf(placed);
		for (const [act, state] of [
			['stop', 'stopped'],
			['start', 'running']
		] as const) {
			const wish = act === 'stop' ? { act, force: false, timeout_seconds: 60 } : { act };
			const asked = await transaction((tx) => askForAct(tx, id, wish, by));
			await eventually(async () => {
				const { status } = await db.containerAct.findUniqueOrThrow({ where: { id: asked.id } });
				return status === 'succeeded' || undefined;
			}, 20);
			expect(pve.state.containers[vmid]!.status).toBe(state);
			expect(ha.resourceOf(vmid)!.state).toBe(act === 'stop' ? 'stopped' : 'started');
		}
	});

	it('is found unprotected when somebody took it out, and a repair puts it back', async () => {
		const row = await rowOf(placed);
		const before = inProxmox(row.vmid);
		ha.forget(row.vmid);
		await reconcileClusters();
		const [drift] = await db.drift.findMany({ where: { closedAt: null } });
		expect(drift).toMatchObject({
			...{ kind: 'infrastructure.ha-missing', subjectId: row.id, theirs: {} },
			ours: { ha_state: 'started', ha_nodes: [row.at, row.standby].sort().join(', ') }
		});
		expect(await repairDrift(drift!.id, by)).toBe('asked');
		await eventually(() => Promise.resolve(ha.resourceOf(row.vmid) && ha.state.rules[0]), 20);
		expect(inProxmox(row.vmid)).toEqual(before);
		await eventually(async () => {
			await reconcileClusters();
			return (await db.drift.count({ where: { closedAt: null } })) === 0 || undefined;
		}, 10);
	});

	it('is tried again when the manager gave up on it and somebody says so', async () => {
		const row = await rowOf(placed);
		ha.resourceOf(row.vmid)!.crm = 'error';
		await reconcileClusters();
		const [drift] = await db.drift.findMany({ where: { closedAt: null } });
		expect(drift).toMatchObject({ kind: 'infrastructure.ha-error', cause: 'ha-gave-up' });
		await repairDrift(drift!.id, by);
		await eventually(
			() => Promise.resolve(ha.resourceOf(row.vmid)!.crm === 'started' || undefined),
			20
		);
		await db.drift.deleteMany();
	});

	it('is destroyed with all of it', () => gone(placed));
});

describe('on storage that is copied from node to node', () => {
	let placed: Placed;

	it('is copied first, and is ready when the copy is there', async () => {
		await world.copiesDisks();
		placed = await guarded();
		const row = await rowOf(placed);
		expect(row.guard).toMatchObject({ state: 'started', replicated: true, copyFails: 0 });
		expect(row.guard!.copiedAt).not.toBeNull();
		expect(ha.state.jobs).toMatchObject([
			{ id: `${row.vmid}-0`, target: row.standby, schedule: '*/5' }
		]);
		const made = sandbox.kernel.calls
			.list({ vendor: 'proxmox', match: '^(POST|PUT|DELETE)' })
			.map(({ line }) => line)
			.filter((line) => /ha\/|replication/.test(line));
		// A second look changes nothing.
		await ensured(placed);
		const after = sandbox.kernel.calls
			.list({ vendor: 'proxmox', match: '^(POST|PUT|DELETE)' })
			.filter(({ line }) => /ha\/|replication/.test(line));
		expect(after).toHaveLength(made.length);
	});

	it('is told to staff when its copy grows old, and not any more when it is fresh', async () => {
		const row = await rowOf(placed);
		const late = () =>
			db.alert.findMany({ where: { rule: 'infrastructure.replication-late', closedAt: null } });
		const seen = async () => {
			await watchHa();
			await evaluateAlerts();
			return haOfContainer(db, row.id);
		};
		expect(await seen()).toMatchObject({ state: 'ok', copyFails: 0 });
		expect(await late()).toEqual([]);
		// The other node's disk is full.
		const storage = pve.state.storages.find((one) => one.storage === 'local-zfs')!;
		const disk = storage.filled[row.standby!];
		storage.filled[row.standby!] = storage.totalBytes;
		const later = (minutes: number) => {
			setClockOffset(minutes * MINUTE);
			sandbox.kernel.clock.offsetMs = minutes * MINUTE;
		};
		later(7);
		expect(await seen()).toMatchObject({
			...{ state: 'ok', copyFails: 1, copyError: expect.stringContaining('out of space') }
		});
		expect(await late()).toEqual([]);
		later(13);
		expect(await seen()).toMatchObject({ state: 'late', copyFails: 2 });
		expect((await oneContainer(db, row.id)).ha).toMatchObject({
			...{ state: 'late', partner: { id: row.haNodeId, away: false }, last_failover: null },
			replication: { last_at: row.guard!.copiedAt, failures: 2 }
		});
		const [alert] = await late();
		expect(alert).toMatchObject({ subjectId: row.id, severity: 'warning' });
		await seen();
		expect(await late()).toHaveLength(1);
		later(70);
		await seen();
		expect(await late()).toMatchObject([{ id: alert!.id, severity: 'critical' }]);
		storage.filled[row.standby!] = disk ?? 0;
		later(76);
		expect(await seen()).toMatchObject({ state: 'ok', copyFails: 0, copyError: null });
		expect(await late()).toEqual([]);
		later(0);
		ha.sync(ha.state.jobs[0]!);
		await db.containerGuard.deleteMany();
		// The schedule may have seen the full disk, which is asked for again after minutes only.
		await db.node.updateMany({ data: { health: Prisma.DbNull } });
		await watchHa();
	});

	it('goes on on its second node when its own dies, with what had been copied, and staff know', async () => {
		const before = await rowOf(placed);
		await collectMetrics();
		pve.setOnline(before.at, false);
		await eventually(
			() =>
				Promise.resolve(pve.state.containers[before.vmid]!.node === before.standby || undefined),
			20
		);
		await checkNodes();
		await collectMetrics();
		const row = await rowOf(placed);
		// The two have changed places, so that nothing is promised twice or not at all.
		expect(row).toMatchObject({ at: before.standby, standby: before.at, status: 'running' });
		const [failover] = await db.failover.findMany();
		expect(failover).toMatchObject({
			...{ fromNodeId: before.nodeId, toNodeId: before.haNodeId, answeredAt: null },
			copiedAt: before.guard!.copiedAt
		});
		expect(failover!.runningAt).not.toBeNull();
		expect(failover!.lostAt <= failover!.runningAt!).toBe(true);
		expect(await db.drift.findFirst({ where: { kind: 'infrastructure.moved' } })).toMatchObject({
			...{ cause: 'failover', outcome: 'repaired' }
		});
		expect(await alerts()).toBe(1);
		expect((await oneContainer(db, row.id)).ha).toMatchObject({
			partner: { name: before.at, away: true },
			last_failover: { from: before.at, to: before.standby, answered_at: null }
		});
		// Once and for all: the next look finds nothing new.
		await collectMetrics();
		expect(await db.failover.count()).toBe(1);
	});

	it('ends when every instance answers, and customers are told once', async () => {
		await transaction((tx) => endFailovers(tx, new Set(), new Date()));
		expect(await db.failover.findFirst()).toMatchObject({ answeredAt: null });
		for (let rounds = 0; rounds < 2; rounds++)
			await transaction((tx) => endFailovers(tx, new Set([placed.tenantId]), new Date()));
		expect((await db.failover.findFirstOrThrow()).answeredAt).not.toBeNull();
		await eventually(() => Promise.resolve(world.told() > 0 || undefined), 10);
		expect(world.told()).toBe(1);
	});

	it('is over as soon as it runs where no instance is on the air, and not while one is on its way', async () => {
		const { id: containerId, nodeId, haNodeId } = await rowOf(placed);
		const runningAt = new Date(Date.now() - 60_000);
		const { id } = await db.failover.create({
			data: {
				...{ containerId, fromNodeId: haNodeId!, toNodeId: nodeId },
				...{ lostAt: new Date(runningAt.getTime() - 60_000), runningAt }
			}
		});
		const answeredWhile = async (status: 'suspended' | 'migrating') => {
			await db.tenant.update({ where: { id: placed.tenantId }, data: { status } });
			await transaction((tx) => endFailovers(tx, new Set(), new Date()));
			return (await db.failover.findUniqueOrThrow({ where: { id } })).answeredAt;
		};
		expect(await answeredWhile('migrating')).toBeNull();
		expect(await answeredWhile('suspended')).toEqual(runningAt);
		await db.failover.delete({ where: { id } });
		await db.tenant.update({ where: { id: placed.tenantId }, data: { status: 'active' } });
	});

	it('is copied the other way once the node is back, stays where it is, and the alert closes', async () => {
		const row = await rowOf(placed);
		await watchHa();
		expect(await alerts()).toBe(1);
		pve.setOnline(row.standby!, true);
		await checkNodes();
		ha.sync(ha.state.jobs[0]!);
		await watchHa();
		expect(ha.state.jobs).toMatchObject([{ target: row.standby, failCount: 0 }]);
		expect(pve.state.containers[row.vmid]!.node).toBe(row.at);
		// Proxmox tells the time of a copy in whole seconds: one of the failover's own second may be older than it.
		await eventually(async () => {
			ha.sync(ha.state.jobs[0]!);
			await watchHa();
			return (await alerts()) === 0;
		});
		await ensured(placed);
	});

	it('gets another second node when that one goes into maintenance', async () => {
		const before = await rowOf(placed);
		await transaction((tx) =>
			beginMaintenance(tx, before.haNodeId!, { reason: 'memoria nueva', by })
		);
		await watchHa();
		const row = await rowOf(placed);
		expect([before.at, before.standby]).not.toContain(row.standby);
		const wanted = {
			resource: 'started',
			nodes: [[row.at, row.standby].sort().join()],
			copies: [row.standby]
		};
		await eventually(
			() =>
				Promise.resolve(
					JSON.stringify(inProxmox(row.vmid)) === JSON.stringify(wanted) || undefined
				),
			20
		);
		await transaction((tx) => endMaintenance(tx, before.haNodeId!, by));
		await checkNodes();
	});

	it('leaves it as it is when it is taken out, and gives the room back', async () => {
		const { id, vmid } = await rowOf(placed);
		await removeHa(placed.run, id);
		expect(ha.state).toMatchObject({ resources: [], rules: [], jobs: [] });
		expect(pve.state.containers[vmid]!.status).toBe('running');
		expect(await rowOf(placed)).toMatchObject({ haNodeId: null, guard: null });
		expect((await nodeFigures(db)).every(({ expected }) => expected === 0)).toBe(true);
		await removeHa(placed.run, id);
		// And put back, as a change of plan does.
		await ensured(placed);
		expect((await rowOf(placed)).haNodeId).not.toBeNull();
		await gone(placed);
	});
});
