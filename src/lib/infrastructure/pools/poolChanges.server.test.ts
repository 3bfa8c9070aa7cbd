import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { PRO } from '../../../../tests/factories/infrastructure.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { BY, testWarmPools } from '../../../../tests/setup/warmPools.ts';
import { askForAct } from '../containers/acts.server.ts';
import { beginMaintenance, endMaintenance } from '../nodes/maintenance.server.ts';
import { removeNode } from '../nodes/removeNode.server.ts';
import { explainCapacity, placementRules } from '../placement/placement.server.ts';
import '../postgres/serverJobs.server.ts';
import { makeCurrent } from '../templates/templates.server.ts';
import { keepPools } from './keepPools.server.ts';
import { retryPool } from './pools.server.ts';
import { poolsOfNode } from './poolView.server.ts';

const { sandbox, pve, id, guests, warm, target, settled, pool, inProxmox, set } =
	await testWarmPools();
const PVE1 = id('pve1');
const wanted = { ...PRO, isolation: 'dedicated' as const };

describe('what is no longer what a customer should get', () => {
	it('is replaced when another template is chosen or the limits of the plan change, and is given to nobody', async () => {
		await target(1);
		const [old] = await settled(1);
		const was = await db.template.findFirstOrThrow({
			where: { current: true },
			include: { container: true }
		});
		pve.state.containers[9019] = { ...structuredClone(pve.state.containers[9018]!), vmid: 9019 };
		const { id: _id, databases: _none, ...container } = was.container;
		const other = await db.container.create({ data: { ...container, vmid: 9019 } });
		const { id: newId } = await db.template.create({
			data: {
				...{ clusterId: was.clusterId, containerId: other.id, odooVersion: was.odooVersion },
				...{ byLabel: 'tests', status: 'ready', readyAt: new Date() }
			}
		});
		try {
			await transaction((tx) => makeCurrent(tx, newId, BY));
			expect((await explainCapacity(db, wanted, await placementRules())).warm).toEqual([]);
			const [fresh] = await eventually(async () => {
				const rows = await settled(1);
				return rows[0]!.id !== old!.id && rows;
			});
			expect(fresh).toMatchObject({ templateId: newId });
			expect(inProxmox(old!.id)).toEqual([]);

			const plan = await db.plan.findFirstOrThrow({ where: { key: 'pro' } });
			await db.plan.update({ where: { id: plan.id }, data: { replacedAt: new Date() } });
			const { id: _old, createdAt: _at, ...same } = plan;
			const sold = await db.plan.create({
				data: { ...same, stripeDifferences: [], version: 99, ramMb: 6144, replacedAt: null }
			});
			// Nobody says so: the schedule looks every minute.
			await keepPools();
			const [grown] = await eventually(async () => {
				const rows = await settled(1);
				return rows[0]!.id !== fresh!.id && rows;
			});
			expect(grown).toMatchObject({ ramMb: 6144, warmPlanId: sold.id });
			expect(await db.warmPool.findMany()).toMatchObject([{ planId: sold.id, target: 1 }]);
			await db.warmPool.deleteMany();
			await settled(0);
			await db.container.updateMany({
				where: { warmPlanId: sold.id },
				data: { warmPlanId: null }
			});
			await db.plan.delete({ where: { id: sold.id } });
			await db.plan.update({ where: { id: plan.id }, data: { replacedAt: null } });
		} finally {
			await transaction((tx) => makeCurrent(tx, was.id, BY));
		}
	});

	it('is refused every act after which it would be another', async () => {
		await target(1);
		const [ready] = await settled(1);
		const asked = (wish: Parameters<typeof askForAct>[2]) =>
			transaction((tx) => askForAct(tx, ready!.id, wish, BY));
		await expect(
			asked({ act: 'resize', cpu_cores: 1, ram_mb: 512, disk_gb: 50 })
		).rejects.toMatchObject({ code: 'CONTAINER_ACT_REFUSED' });
		await expect(asked({ act: 'snapshot', name: 'antes', description: '' })).rejects.toMatchObject({
			code: 'CONTAINER_ACT_REFUSED'
		});
		// Nobody gets it while it is being restarted.
		await db.containerAct.create({
			data: { containerId: ready!.id, act: 'restart', byLabel: 'tests' }
		});
		expect((await explainCapacity(db, wanted, await placementRules())).warm).toEqual([]);
		await db.containerAct.deleteMany();
	});
});

describe('a node', () => {
	it('in maintenance gives up what was made ahead there, and gets it again afterwards', async () => {
		await target(1);
		const [ready] = await settled(1);
		await transaction((tx) => beginMaintenance(tx, PVE1, { reason: 'Memoria', by: BY }));
		await settled(0);
		expect(inProxmox(ready!.id)).toEqual([]);
		expect(await pool()).toMatchObject({ error: 'maintenance', target: 1 });
		await transaction((tx) => endMaintenance(tx, PVE1, BY));
		await settled(1);
	});

	it('is not removed while something made ahead is there, unless it is dead', async () => {
		await target(1, { node: 'pve3' });
		const [ready] = await settled(1);
		const remove = () => transaction((tx) => removeNode(tx, id('pve3'), BY));
		await expect(remove()).rejects.toMatchObject({ code: 'STILL_ALIVE' });
		await db.node.update({ where: { id: id('pve3') }, data: { offlineSince: new Date() } });
		const credential = await db.nodeCredential.findUniqueOrThrow({ where: { nodeId: id('pve3') } });
		const secret = { create: { postgresPassword: 'sealed' } };
		await db.container.update({
			where: { id: ready!.id },
			data: { postgresRole: 'odoo_gone', secret }
		});
		await remove();
		await eventually(async () => (await db.containerSecret.count()) === 0);
		expect(await db.container.findUniqueOrThrow({ where: { id: ready!.id } })).toMatchObject({
			status: 'deleted'
		});
		expect(await db.warmPool.count()).toBe(0);
		await expect(poolsOfNode(db, id('pve3'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
		await db.nodeCredential.create({ data: credential });
	});
});

describe('what fails', () => {
	it('for good is taken back and said, and is tried again when staff ask', async () => {
		sandbox.kernel.faults.add({
			...{ target: 'proxmox', match: 'TASK vzclone', kind: 'status' },
			...{ body: 'no space left on device', times: 1_000 }
		});
		await target(1);
		const told = await eventually(async () => {
			const row = await pool();
			return row?.error?.startsWith('failed: ') && row;
		});
		expect(told.error).toContain('no space left on device');
		await settled(0);
		expect(guests()).toEqual([]);
		expect(await db.ipAddress.count()).toBe(0);
		// It rests: nobody tries the same every minute.
		await keepPools();
		expect(await warm()).toEqual([]);
		sandbox.kernel.faults.clear();
		await transaction((tx) => retryPool(tx, { nodeId: PVE1, plan: 'pro' }, BY));
		await settled(1);
		expect(await pool()).toMatchObject({ error: null });
	});

	it.each([
		['the copy, after its effect', 'POST .*/clone', { kind: 'reset', when: 'after' }],
		['the start', 'POST .*/start', { kind: 'status', status: 500 }],
		['the shutdown, after its effect', 'POST .*/shutdown', { kind: 'reset', when: 'after' }],
		['the destruction, after its effect', 'DELETE .*/lxc', { kind: 'reset', when: 'after' }]
	] as const)(
		'once, at %s, leaves exactly one, and nothing in the end',
		async (_what, match, fault) => {
			await set('provisioning.warm_running', false);
			sandbox.kernel.faults.add({ target: 'proxmox', match, ...fault });
			await target(1);
			const [ready] = await settled(1);
			expect(guests()).toHaveLength(1);
			expect(inProxmox(ready!.id)).toMatchObject([{ status: 'stopped' }]);
			await target(0);
			await settled(0);
			expect(guests()).toEqual([]);
		}
	);

	it('the node, while one is being made: it is waited for, and is given up when nobody wants it', async () => {
		sandbox.kernel.faults.add({
			...{ target: 'proxmox', match: 'POST .*/start', kind: 'reset' },
			onTaken: () => pve.setOnline('pve1', false)
		});
		await target(1);
		await eventually(async () =>
			db.provisioningJob.findFirst({ where: { saga: 'pools.make', status: 'waiting' } })
		);
		expect(await warm()).toMatchObject([{ status: 'provisioning', nodeId: PVE1 }]);
		await target(0);
		pve.setOnline('pve1', true);
		await settled(0);
		expect(guests()).toEqual([]);
		expect(
			await db.container.count({ where: { status: { not: 'deleted' }, purpose: 'odoo' } })
		).toBe(0);
	});
});
