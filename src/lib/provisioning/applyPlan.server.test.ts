import { afterAll, expect, it, vi } from 'vitest';
import { HOUR, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { Plan, Tenant } from '#prisma/generated/client.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { buy, giveAway, type PlanKey } from '../../../tests/setup/buyers.ts';
import { dyingAt, dyingWriting } from '../../../tests/setup/deaths.ts';
import { tenantIs } from '../../../tests/setup/money.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { clusterOf } from '../../sandbox/proxmox/cluster.ts';
import { changeView } from '../billing/changeView.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { applyPlan, growthFits, holdRoom, sweepPlans, tellLongWait } from './applyPlan.server.ts';
import { orderPlanChange, previewPlanChange } from './planChanges.server.ts';

vi.setConfig({ testTimeout: 120_000 });
const platform = await testPlatform();

const AT_ONCE = { notBefore: null, by: SYSTEM };

let made = 0;
async function live(plan: PlanKey): Promise<Tenant> {
	const slug = `crece-${++made}`;
	await giveAway(plan, slug);
	const tenant = await tenantIs(slug, 'active');
	await eventually(() =>
		db.provisioningJob.findFirst({ where: { subjectId: tenant.id, status: 'succeeded' } })
	);
	return tenant;
}

async function size(facts: Partial<Plan>): Promise<Plan> {
	const { id } = await aPlan({ isolation: facts.isolation ?? 'dedicated' });
	return db.plan.update({
		where: { id },
		data: { cpuCores: 2, ramMb: 4096, diskGb: 50, ...facts, stripeDifferences: [] }
	});
}

const pay = (tenant: Tenant, plan: Plan) =>
	db.subscription.update({ where: { id: tenant.subscriptionId! }, data: { planId: plan.id } });
const fresh = (tenant: Tenant) =>
	db.tenant.findUniqueOrThrow({ where: { id: tenant.id }, include: { container: true } });

async function atProxmox(tenant: Tenant) {
	const { container } = await fresh(tenant);
	const { config } = clusterOf(platform.sandbox.kernel).state.containers[container!.vmid]!;
	return { cores: config.cores, memory: config.memory, rootfs: config.rootfs };
}

it('gives an instance cores, memory and disk of its plan, reads them back, and never shrinks a disk', async () => {
	const tenant = await live('pro');
	const large = await size({ cpuCores: 3, ramMb: 6144, diskGb: 80, backupIntervalHours: 12 });
	expect(await growthFits(db, tenant, large)).toMatchObject({
		...{ fits: true, move: null },
		container: { from: { cpuCores: 2, ramMb: 4096, diskGb: 50 }, diskStays: false }
	});
	await pay(tenant, large);
	await sweepPlans();
	const now = await eventually(async () => {
		const row = await fresh(tenant);
		return row.planId === large.id && row;
	}, 40);
	expect(now.container).toMatchObject({ cpuCores: 3, ramMb: 6144, diskGb: 80, taskUpid: null });
	expect(await atProxmox(tenant)).toMatchObject({
		...{ cores: 3, memory: 6144 },
		rootfs: expect.stringContaining('size=80G')
	});
	const entry = await db.auditEntry.findFirstOrThrow({ where: { action: 'tenants.apply-plan' } });
	expect(entry.after).toMatchObject({ cpu_cores: 3, disk_gb: 80, backup_interval_hours: 12 });

	const small = await size({ cpuCores: 1, ramMb: 2048, diskGb: 20 });
	expect((await growthFits(db, tenant, small)).container).toMatchObject({
		...{ fits: true, diskStays: true },
		to: { cpuCores: 1, ramMb: 2048, diskGb: 80 }
	});
	await pay(tenant, small);
	// What goes keeps its room until Proxmox has taken it away.
	await transaction((tx) => holdRoom(tx, now, small, AT_ONCE));
	expect((await fresh(tenant)).container).toMatchObject({ cpuCores: 3, ramMb: 6144, diskGb: 80 });
	await applyPlan(tenant.id);
	expect((await fresh(tenant)).container).toMatchObject({ cpuCores: 1, ramMb: 2048, diskGb: 80 });
	expect(await atProxmox(tenant)).toMatchObject({
		...{ cores: 1, memory: 2048 },
		rootfs: expect.stringContaining('size=80G')
	});
	await applyPlan(tenant.id);
	expect(await db.auditEntry.count({ where: { action: 'tenants.apply-plan' } })).toBe(2);
});

it('goes on where it died, and past a node that does not answer', async () => {
	const tenant = await live('pro');
	const large = await size({ cpuCores: 4, ramMb: 8192, diskGb: 90 });
	await pay(tenant, large);
	platform.fault({ target: 'proxmox', match: '/config', kind: 'status', status: 500, times: 2 });
	platform.fault({ target: 'proxmox', match: '/resize', kind: 'reset', when: 'after', times: 1 });
	await transaction((tx) =>
		enqueue(tx, 'provisioning.apply-plan', { tenantId: tenant.id }, { key: tenant.id })
	);
	await eventually(async () => (await fresh(tenant)).planId === large.id, 60);
	expect(await atProxmox(tenant)).toMatchObject({
		...{ cores: 4, memory: 8192 },
		rootfs: expect.stringContaining('size=90G')
	});
});

it('ends as it would have when its worker dies at any call or writing, and does nothing twice', async () => {
	const tenant = await live('pro');
	const { kernel } = platform.sandbox;
	const { vmid } = (await fresh(tenant)).container!;
	const resized = () =>
		clusterOf(kernel).state.tasks.filter(
			({ type, id }) => type === 'resize' && id === String(vmid)
		);
	const before = resized().length;
	const calls = (['^PUT .*/config$', '^PUT .*/resize$'] as const).flatMap((match) =>
		(['before', 'after'] as const).map(
			(when) => (work: () => Promise<void>) =>
				dyingAt(kernel, { target: 'proxmox', match, when }, work)
		)
	);
	const rows = [
		['lxc_containers', 'new.ram_mb <> old.ram_mb'],
		['lxc_containers', 'new.task_upid IS NOT NULL AND old.task_upid IS NULL'],
		['tenant_deployments', 'new.plan_id <> old.plan_id']
	] as const;
	const writings = rows.map(
		([table, where]) =>
			(work: () => Promise<void>) =>
				dyingWriting(table, where, work)
	);
	const deaths = [...calls, ...writings];
	for (const [turn, dies] of deaths.entries()) {
		const [ramMb, diskGb] = [4096 + 64 * (turn + 1), 51 + turn];
		await pay(tenant, await size({ cpuCores: 3 + (turn % 2), ramMb, diskGb }));
		expect({ turn, died: await dies(() => applyPlan(tenant.id)) }).toEqual({ turn, died: true });
		// The queue tries again while a container is locked by the task that goes on.
		await eventually(() =>
			applyPlan(tenant.id).then(
				() => true,
				() => false
			)
		);
		expect(await atProxmox(tenant)).toEqual({
			...{ cores: 3 + (turn % 2), memory: ramMb },
			rootfs: expect.stringContaining(`size=${diskGb}G`)
		});
		expect((await fresh(tenant)).container).toMatchObject({ ramMb, diskGb, taskUpid: null });
		expect(resized()).toHaveLength(before + turn + 1);
	}
	const action = 'tenants.apply-plan';
	expect(await db.auditEntry.count({ where: { action, subjectId: tenant.id } })).toBe(
		deaths.length
	);
});

it('takes no room that is not there, holds what is, and gives back what was not paid', async () => {
	const tenant = await live('pro');
	const { container } = await fresh(tenant);
	const node = await db.node.findUniqueOrThrow({ where: { id: container!.nodeId } });
	const huge = await size({ cpuCores: 2, ramMb: node.ramTotalMb * 3, diskGb: 50 });
	const explained = await growthFits(db, tenant, huge);
	expect(explained).toMatchObject({ fits: false, container: { reasons: [{ code: 'ramMb' }] } });
	await expect(transaction((tx) => holdRoom(tx, tenant, huge, AT_ONCE))).rejects.toMatchObject({
		code: 'NO_ROOM_TO_GROW'
	});
	expect((await fresh(tenant)).container).toMatchObject({ ramMb: 4096 });

	// Two who want the last room in the same moment: one gets it.
	const other = await live('pro');
	await db.container.update({
		where: { id: other.containerId! },
		data: { nodeId: container!.nodeId }
	});
	const free = (await growthFits(db, tenant, huge)).container!.reasons[0];
	const most = free && 'free' in free ? free.free : 0;
	const half = await size({ ramMb: 4096 + Math.ceil(most * 0.7) });
	const both = await Promise.allSettled(
		[tenant, other].map((one) => transaction((tx) => holdRoom(tx, one, half, AT_ONCE)))
	);
	expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);

	// The payment failed: the subscription has the plan it had, and the room is free again.
	await db.container.update({
		where: { id: other.containerId! },
		data: { nodeId: other.containerId === null ? '' : await placeAtProxmox(other) }
	});
	await applyPlan(tenant.id);
	await applyPlan(other.id);
	expect((await fresh(tenant)).container).toMatchObject({ ramMb: 4096, diskGb: 50 });
	expect((await fresh(other)).container).toMatchObject({ ramMb: 4096 });
	expect(await atProxmox(tenant)).toMatchObject({ memory: 4096 });
});

async function placeAtProxmox(tenant: Tenant): Promise<string> {
	const { container } = await fresh(tenant);
	const { node } = clusterOf(platform.sandbox.kernel).state.containers[container!.vmid]!;
	return (await db.node.findFirstOrThrow({ where: { name: node } })).id;
}

it('waits for room that was sold meanwhile, and tells staff', async () => {
	const tenant = await live('pro');
	const { container } = await fresh(tenant);
	const node = await db.node.findUniqueOrThrow({ where: { id: container!.nodeId } });
	await pay(tenant, await size({ ramMb: node.ramTotalMb * 2 }));
	await expect(applyPlan(tenant.id)).rejects.toMatchObject({ code: 'NO_ROOM_TO_GROW' });
	const where = { rule: 'provisioning.plan-has-no-room', subjectId: tenant.id, closedAt: null };
	const told = () => db.alert.count({ where });
	expect(await told()).toBe(1);
	expect(await atProxmox(tenant)).toMatchObject({ memory: 4096 });
	const modest = await size({ ramMb: 4096, cpuCores: 3 });
	await pay(tenant, modest);
	await applyPlan(tenant.id);
	expect(await told()).toBe(0);
	expect((await fresh(tenant)).planId).toBe(modest.id);
	// What was made ahead for others holds the room, and goes: that is told only when it takes long.
	const { id } = await db.container.create({
		data: {
			...{ clusterId: node.clusterId, nodeId: node.id, vmid: 9_999, hostname: 'hecho' },
			...{ purpose: 'odoo', status: 'running', warmPlanId: modest.id, retiring: true },
			...{ cpuCores: 1, ramMb: node.ramTotalMb * 4, diskGb: 1 }
		}
	});
	const large = await size({ ramMb: 4096 + 64, cpuCores: 3 });
	await pay(tenant, large);
	for (let tries = 0; tries < 2; tries++)
		await expect(applyPlan(tenant.id)).rejects.toMatchObject({ code: 'NO_ROOM_TO_GROW' });
	expect(await told()).toBe(0);
	const look = { data: { tenantId: tenant.id, planId: large.id }, minutes: 30 };
	expect(await waiting('provisioning.plan-waits', tenant)).toEqual([look]);
	await tellLongWait(tenant.id, large.id);
	expect(await told()).toBe(1);
	await db.container.delete({ where: { id } });
	await applyPlan(tenant.id);
	expect(await told()).toBe(0);
});

/** Jobs that wait, of one instance, with the minutes until they begin. */
const waiting = (name: string, { id }: Tenant) =>
	db.$queryRaw<{ data: object; minutes: number }[]>`
		SELECT data, round(extract(epoch FROM start_after - now()) / 60)::int AS minutes FROM pgboss.job
		WHERE name = ${name} AND data->>'tenantId' = ${id} AND state < 'active'`;

it('leaves the container alone where a plan of its kind is a row alone', async () => {
	const tenant = await live('basic');
	const before = await atProxmox(tenant);
	const shared = await size({ isolation: 'shared', cpuCores: 8 });
	await pay(tenant, shared);
	await applyPlan(tenant.id);
	expect((await fresh(tenant)).planId).toBe(shared.id);
	expect(await atProxmox(tenant)).toEqual(before);
	// While it is being moved one job looks again, however often that is asked, and the sweep adds none.
	await db.tenant.update({ where: { id: tenant.id }, data: { status: 'migrating' } });
	for (let asked = 0; asked < 3; asked++) await applyPlan(tenant.id);
	expect(await waiting('provisioning.apply-plan', tenant)).toMatchObject([{ minutes: 5 }]);
	await db.tenant.update({ where: { id: tenant.id }, data: { status: 'active' } });
	await pay(tenant, await size({ isolation: 'shared' }));
	await sweepPlans();
	expect(await waiting('provisioning.apply-plan', tenant)).toHaveLength(1);
});

it('follows its subscription down when the paid period ends, and not before', async () => {
	const { clock } = platform.sandbox.kernel;
	afterAll(() => setClockOffset(0));
	const { vendors } = platform.sandbox;
	const pass = async (milliseconds: number) => {
		clock.advance(milliseconds);
		setClockOffset(clock.now() * 1000 - Date.now());
		const authorization = `Bearer ${vendors.stripe.key}`;
		await fetch(`${vendors.stripe.url}/v1/products`, { headers: { authorization } });
	};
	await buy(platform, 'pro', 'baja-1');
	const tenant = await tenantIs('baja-1', 'active');
	const small = await size({ cpuCores: 1, ramMb: 2048, diskGb: 20 });
	await db.planPrice.updateMany({ where: { planId: small.id }, data: { amount: 900 } });
	const scope = { id: tenant.subscriptionId!, customerId: tenant.customerId };
	const { change, growth } = await previewPlanChange(scope, { planKey: small.key }, SYSTEM);
	expect(change).toMatchObject({ kind: 'downgrade', amountDue: 0 });
	expect(growth).toMatchObject([{ fits: true, container: { diskStays: true } }]);
	expect((await changeView(db, change)).keptDiskGb).toBe(50);
	const ordered = { changeId: change.id, customerId: scope.customerId };
	expect(await orderPlanChange(ordered, SYSTEM)).toMatchObject({ status: 'scheduled' });
	const end = change.effectiveAt!.getTime();
	await pass(end - now().getTime() - HOUR);
	await applyPlan(tenant.id);
	expect(await atProxmox(tenant)).toMatchObject({ cores: 2, memory: 4096 });

	await pass(1.1 * HOUR);
	await eventually(async () => (await fresh(tenant)).planId === small.id, 60);
	expect(await atProxmox(tenant)).toEqual({
		...{ cores: 1, memory: 2048 },
		rootfs: expect.stringContaining('size=50G')
	});
	await eventually(async () => {
		const { status } = await db.subscriptionChange.findUniqueOrThrow({ where: { id: change.id } });
		return status === 'applied';
	});
});
