import { beforeEach } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import { keepPools } from '#lib/infrastructure/pools/keepPools.server.ts';
import { setPoolTarget } from '#lib/infrastructure/pools/pools.server.ts';
import { testContainers } from './containers.ts';
import { eventually } from './queue.ts';

export const BY = { kind: 'staff', id: null, label: 'ana@example.com' } as const;

const UNFINISHED = ['queued', 'running', 'waiting', 'compensating'] as const;

/** The sandbox's cluster with a worker, and no pool and no container on it before each test. */
export async function testWarmPools() {
	const world = await testContainers({ work: true });
	const { sandbox, pve, guests } = world;
	const before = await db.node.findMany();
	const id = (name: string) => before.find((node) => node.name === name)!.id;

	const warm = () =>
		db.container.findMany({
			where: { warmPlanId: { not: null }, status: { not: 'deleted' } },
			orderBy: { createdAt: 'asc' }
		});
	const target = (count: number, { plan = 'pro', node = 'pve1' } = {}) =>
		transaction((tx) => setPoolTarget(tx, { nodeId: id(node), plan, target: count }, BY));

	/** For a failure. */
	const state = async () =>
		JSON.stringify({
			warm: await warm(),
			pools: await db.warmPool.findMany(),
			runs: await db.provisioningJob.findMany({
				where: { saga: 'pools.make' },
				select: {
					...{ status: true, reason: true },
					steps: { select: { name: true, status: true, error: true } }
				}
			})
		});

	/** Looks again and again, as the schedule does, until so many are whole and nothing is under way. */
	const settled = (count: number) =>
		eventually(async () => {
			const runs = await db.provisioningJob.count({
				where: { saga: 'pools.make', status: { in: [...UNFINISHED] } }
			});
			const jobs = await db.$queryRaw<object[]>`
				SELECT 1 FROM pgboss.job WHERE state < 'completed'
					AND name IN ('infrastructure.warm-pools', 'infrastructure.destroy-warm')`;
			const rows = await warm();
			const isQuiet = runs === 0 && jobs.length === 0 && rows.every(({ retiring }) => !retiring);
			if (isQuiet && rows.length === count) return rows;
			if (isQuiet) await keepPools();
			return null;
		}, 15).catch(async (error: unknown) => {
			throw new Error(`${String(error)}: ${await state()}`);
		});
	const pool = (plan = 'pro') =>
		db.warmPool.findFirst({ where: { nodeId: id('pve1'), plan: { key: plan } } });
	/** What Proxmox has of a row, by its mark. */
	const inProxmox = (containerId: string) =>
		guests().filter(({ config }) => String(config.description).includes(containerId));
	const set = async (key: string, value: number | boolean) => {
		const data = { key, category: 'provisioning', value };
		await db.setting.upsert({ where: { key }, create: data, update: { value } });
		forgetSettings();
	};

	beforeEach(async () => {
		sandbox.kernel.faults.clear();
		for (const { name } of pve.state.nodes) pve.setOnline(name, true);
		await db.warmPool.deleteMany();
		await settled(0);
		await db.tenant.deleteMany();
		await db.ipAddress.deleteMany();
		await db.cloneTurn.deleteMany();
		await db.container.deleteMany({ where: { purpose: { not: 'template' } } });
		for (const { vmid } of guests()) delete pve.state.containers[vmid];
		await db.setting.deleteMany();
		forgetSettings();
		for (const { id, health: _health, ...row } of before)
			await db.node.update({ where: { id }, data: row });
		sandbox.kernel.calls.clear();
	});
	return { ...world, id, warm, target, settled, pool, inProxmox, set };
}
