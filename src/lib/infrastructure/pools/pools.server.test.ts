import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { placeTenant } from '../../../../tests/setup/containers.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { BY, testWarmPools } from '../../../../tests/setup/warmPools.ts';
import { createUnplacedTenant, PRO } from '../../../../tests/factories/infrastructure.ts';
import { destroyContainer, ensureContainer } from '../containers/containers.server.ts';
import { writeMark } from '../containers/marks.ts';
import { nodeFigures } from '../nodes/figures.server.ts';
import {
	explainCapacity,
	placementRules,
	reserveContainer
} from '../placement/placement.server.ts';
import { simulateSale } from '../placement/sale.server.ts';
import { keepPools } from './keepPools.server.ts';
import { releasePools } from './pools.server.ts';
import { poolRows } from './poolView.server.ts';

const { id, guests, changes, warm, target, settled, pool, inProxmox, set } = await testWarmPools();
const PVE1 = id('pve1');
const wanted = { ...PRO, isolation: 'dedicated' as const };
const figures = async () => (await nodeFigures(db, [PVE1]))[0]!;

/** Leaves a node room for so many containers of the pro plan besides what is there. */
async function roomFor(count: number): Promise<void> {
	const { committed } = await figures();
	const ramTotalMb = committed.ramMb + count * PRO.ramMb;
	await db.node.update({ where: { id: PVE1 }, data: { ramTotalMb } });
	await db.node.updateMany({ where: { id: { not: PVE1 } }, data: { maxContainers: 0 } });
}

/** Asks for a place as a set-up does. */
async function ask() {
	const tenant = await createUnplacedTenant(db);
	const rules = await placementRules();
	const found = await transaction((tx) =>
		reserveContainer(tx, {
			...{ ...wanted, tenantId: tenant.id, jobId: crypto.randomUUID(), hostname: tenant.slug },
			...{ rules, taken: new Map() }
		})
	);
	return { tenant, found };
}

describe('a pool', () => {
	it('comes to its size with one copy at a time, and what is there counts as promised', async () => {
		const before = await figures();
		await target(2);
		const rows = await settled(2);
		const template = await db.template.findFirstOrThrow({ where: { current: true } });
		for (const row of rows) {
			expect(row).toMatchObject({ status: 'running', nodeId: PVE1, templateId: template.id });
			expect(inProxmox(row.id)).toMatchObject([{ node: 'pve1', status: 'running' }]);
		}
		const after = await figures();
		expect(after.containers).toBe(before.containers + 2);
		expect(after.committed.ramMb).toBe(before.committed.ramMb + 2 * PRO.ramMb);
		expect(await db.cloneTurn.count()).toBe(0);
		// The second copy was asked for when the first was running already.
		const order = changes().filter((line) => /clone|start/.test(line));
		expect(order.map((line) => /clone|start/.exec(line)?.[0])).toEqual([
			...['clone', 'start', 'clone', 'start']
		]);
		expect((await poolRows(db, PVE1)).find(({ plan }) => plan === 'pro')).toMatchObject({
			...{ target: 2, ready: 2, making: 0, going: 0, error: null }
		});
		const looked = changes().length;
		await keepPools();
		expect(changes()).toHaveLength(looked);

		await target(1);
		const [kept] = await settled(1);
		expect(kept!.id).toBe(rows[0]!.id);
		expect(guests()).toHaveLength(1);
		await transaction((tx) => releasePools(tx, 'pro', BY));
		await settled(0);
		expect(guests()).toHaveLength(0);
		expect(await db.ipAddress.count()).toBe(0);
		expect(await figures()).toMatchObject({ committed: before.committed });
	});

	it('is taken from by a set-up, whose own the container is from then on, and is filled again', async () => {
		await target(1);
		const [ready] = await settled(1);
		const [first, second] = await Promise.all([placeTenant(), placeTenant()]);
		const takers = [first, second].filter(({ place }) => place.containerId === ready!.id);
		expect(takers).toHaveLength(1);
		const { run, place, jobId } = takers[0]!;
		await eventually(async () => (await ensureContainer(run, place.containerId)).ready);
		const row = await db.container.findUniqueOrThrow({ where: { id: place.containerId } });
		const { slug } = await db.tenant.findFirstOrThrow({ where: { containerId: row.id } });
		expect(row).toMatchObject({ warmPlanId: null, createdByJobId: jobId, hostname: slug });
		expect(inProxmox(row.id)).toMatchObject([
			{
				vmid: row.vmid,
				status: 'running',
				config: { hostname: slug, description: writeMark({ jobId, containerId: row.id }) }
			}
		]);
		// It was neither copied nor started again.
		expect(
			changes()
				.filter((line) => line.includes(`/${row.vmid}/`))
				.at(-1)
		).toContain('config');
		await db.provisioningJob.updateMany({ data: { status: 'succeeded' } });
		await settled(1);
		const [next] = await warm();
		expect(next!.id).not.toBe(ready!.id);
		expect((await db.container.findUniqueOrThrow({ where: { id: ready!.id } })).status).toBe(
			'running'
		);

		// The undo of the run that took it destroys it as one that it made.
		expect(await destroyContainer(run, row.id, { tenantId: takers[0]!.tenantId })).toBe(true);
		expect(inProxmox(row.id)).toEqual([]);
		expect(inProxmox(next!.id)).toHaveLength(1);
	});

	it('of stopped ones has them started by whoever takes one', async () => {
		await set('provisioning.warm_running', false);
		await target(1);
		const [ready] = await settled(1);
		expect(ready).toMatchObject({ status: 'stopped', wantedRunning: false });
		expect(inProxmox(ready!.id)).toMatchObject([{ status: 'stopped' }]);
		const { run, place } = await placeTenant();
		expect(place.containerId).toBe(ready!.id);
		await eventually(async () => (await ensureContainer(run, place.containerId)).ready);
		expect(
			await db.container.findUniqueOrThrow({ where: { id: place.containerId } })
		).toMatchObject({ status: 'running', wantedRunning: true });
		expect(inProxmox(ready!.id)).toMatchObject([{ status: 'running' }]);
	});

	it('is there for whoever comes although no server of databases would take one more', async () => {
		await target(1);
		const [ready] = await settled(1);
		await db.template.updateMany({ where: { current: true }, data: { kind: 'odoo_only' } });
		const explained = await explainCapacity(db, wanted, await placementRules());
		await db.template.updateMany({ where: { current: true }, data: { kind: 'all_in_one' } });
		expect(explained).toMatchObject({ fits: true, warm: [{ containerId: ready!.id }] });
		expect(JSON.stringify(explained)).toContain('database_server');
	});

	it('of shared ones keeps an empty one, which is opened when the others are full', async () => {
		await set('provisioning.warm_reserve', 0);
		await target(1, { plan: 'basic' });
		const [empty] = await settled(1);
		expect(empty).toMatchObject({ purpose: 'shared', slots: 8, ramMb: 16_384 });
		const inUse = await db.container.create({
			data: {
				...{ clusterId: empty!.clusterId, nodeId: PVE1, vmid: 700, hostname: 'erp-shared-700' },
				...{ purpose: 'shared', status: 'running', slots: 1, ipAddress: '10.10.20.200' },
				...{ cpuCores: 4, ramMb: 16_384, diskGb: 80 }
			}
		});
		expect((await placeTenant('shared')).place.containerId).toBe(inUse.id);
		expect((await placeTenant('shared')).place).toMatchObject({
			...{ containerId: empty!.id, slotOnly: true }
		});
		const opened = await db.container.findUniqueOrThrow({ where: { id: empty!.id } });
		expect(opened.warmPlanId).toBeNull();
		const [next] = await settled(1);
		expect(next!.id).not.toBe(empty!.id);
		// One in which nobody lives any more is as good as one made ahead.
		await db.tenant.updateMany({ data: { status: 'deleted' } });
		await settled(0);
		expect(inProxmox(opened.id)).toHaveLength(1);
	});
});

describe('room', () => {
	it('is left for as many as the setting says, and goes to who waits for it', async () => {
		await roomFor(2);
		await target(5);
		await settled(1);
		await eventually(async () => (await pool())?.error === 'no_room');
		expect(await explainCapacity(db, wanted, await placementRules())).toMatchObject({
			...{ fits: true, yields: null, warm: [{ nodeId: PVE1, node: 'pve1' }] }
		});
		const sale = await simulateSale(db, wanted, 5, await placementRules());
		expect(sale).toMatchObject({ fits: 2, yielded: 0, places: [{ name: 'pve1', tenants: 2 }] });
		await set('provisioning.warm_reserve', 0);
		const [, last] = await settled(2);

		// A customer of another plan finds none: what was made last goes, and no more of it.
		const other = { ...wanted, cpuCores: 1 };
		const rules = await placementRules();
		const found = await explainCapacity(db, other, rules);
		expect(found).toMatchObject({
			...{ fits: true, warm: [] },
			yields: { node: { name: 'pve1' }, containers: [{ containerId: last!.id }] }
		});
		expect(await simulateSale(db, other, 5, rules)).toMatchObject({ fits: 2, yielded: 2 });
		const tenant = await createUnplacedTenant(db);
		const place = () =>
			transaction((tx) =>
				reserveContainer(tx, {
					...{ ...other, tenantId: tenant.id, jobId: crypto.randomUUID(), hostname: 'x' },
					...{ rules, taken: new Map() }
				})
			);
		expect(await place()).toMatchObject({ noRoom: { yields: {} } });
		// Asking again while that one is going takes nothing more.
		expect(await place()).toMatchObject({ noRoom: { yields: {} } });
		const got = await eventually(async () => {
			const answer = await place();
			return 'containerId' in answer && answer;
		});
		expect(got).toMatchObject({ nodeId: PVE1 });
		expect(inProxmox(last!.id)).toEqual([]);
		expect(await warm()).toHaveLength(1);
		const { committed, limit } = await figures();
		expect(committed.ramMb).toBeLessThanOrEqual(limit.ramMb);
	});

	it('is not taken while a customer waits for it or is being set up', async () => {
		const { tenant } = await ask();
		const run = await db.provisioningJob.create({
			data: { saga: 'tests.container', subjectId: tenant.id, status: 'waiting', state: {} }
		});
		await db.tenant.update({ where: { id: tenant.id }, data: { status: 'waiting_capacity' } });
		await target(1);
		await eventually(async () => (await pool())?.error === 'wanted');
		await db.tenant.update({ where: { id: tenant.id }, data: { status: 'provisioning' } });
		await db.container.updateMany({
			where: { purpose: 'odoo' },
			data: { createdByJobId: run.id }
		});
		await keepPools();
		expect(await pool()).toMatchObject({ error: 'busy' });
		expect(await warm()).toEqual([]);
		await db.provisioningJob.update({ where: { id: run.id }, data: { status: 'failed' } });
		await settled(1);
		expect(await pool()).toMatchObject({ error: null });
	});
});
