import { expect, it, vi } from 'vitest';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import type { Plan, Tenant } from '#prisma/generated/client.ts';
import { testPlatform } from '../../../../../tests/setup/platform.ts';
import { lastMove, ownPlan } from '../../../../../tests/setup/planMoves.ts';
import { eventually } from '../../../../../tests/setup/queue.ts';
import { ended, liveTenant, move, moveIs } from '../../../../../tests/setup/tenantMoves.ts';
import { clusterOf } from '../../../../sandbox/proxmox/cluster.ts';
import { orderPlanChange, previewPlanChange } from '../../planChanges.server.ts';
import { sweepMoves } from './tenantMoveJobs.server.ts';
import {
	beginTenantMove,
	cancelTenantMove,
	holdTenantMove,
	retryTenantMove
} from './tenantMoves.server.ts';

vi.setConfig({ testTimeout: 180_000 });
const platform = await testPlatform();
const fresh = ({ id }: Tenant) => db.tenant.findUniqueOrThrow({ where: { id } });
const planOf = (key: string) => db.plan.findFirstOrThrow({ where: { key, replacedAt: null } });
const placeOf = (id: string) => db.container.findUniqueOrThrow({ where: { id } });
const limitsOf = ({ cpuCores, ramMb, diskGb }: Plan) => ({ cpuCores, ramMb, diskGb });
/** What is paid wins: the end of a move to a plan that is not leads back. */
const pays = (tx: Tx, { subscriptionId }: Tenant, { id: planId }: Plan) =>
	tx.subscription.update({ where: { id: subscriptionId! }, data: { planId } });
const sizeAtProxmox = async (containerId: string) => {
	const { vmid } = await placeOf(containerId);
	return /size=(\d+)G/.exec(
		String(clusterOf(platform.sandbox.kernel).state.containers[vmid]!.config.rootfs)
	)?.[1];
};

it('takes its limits and its second node before anything is charged, and gives both back', async () => {
	const tenant = await liveTenant('pro', 'aqui');
	const containerId = tenant.containerId!;
	const pro = await planOf('pro');
	const ha = await ownPlan({ isolation: 'dedicated_ha', cpuCores: 3, ramMb: 6144, diskGb: 70 });
	const wish = { tenantId: tenant.id, toIsolation: 'dedicated_ha', planId: ha.id } as const;
	const hold = () => transaction((tx) => holdTenantMove(tx, wish, SYSTEM));
	const held = await hold();
	expect((await hold()).id).toBe(held.id);
	expect(await placeOf(containerId)).toMatchObject({
		...limitsOf(ha),
		haNodeId: expect.any(String)
	});
	// Nothing of it is in Proxmox.
	expect(await sizeAtProxmox(containerId)).toBe(String(pro.diskGb));
	await transaction((tx) => cancelTenantMove(tx, held.id, SYSTEM));
	const back = { ...limitsOf(pro), haNodeId: null };
	expect(await placeOf(containerId)).toMatchObject(back);

	// The same of one that has a run, and waits for its time.
	const planned = await move(tenant, { ...wish, notBefore: after(now(), HOUR) });
	expect(await placeOf(containerId)).toMatchObject(limitsOf(ha));
	await transaction((tx) => cancelTenantMove(tx, planned.id, SYSTEM));
	await moveIs(planned, ['cancelled']);
	await eventually(async () => (await placeOf(containerId)).haNodeId === null);
	expect(await placeOf(containerId)).toMatchObject(back);

	// Staff begin it before its time.
	await pays(db, tenant, ha);
	const early = await move(tenant, { ...wish, notBefore: after(now(), HOUR) });
	await eventually(() =>
		db.provisioningJob.findFirst({ where: { id: early.jobId!, status: 'waiting' } })
	);
	await transaction((tx) => beginTenantMove(tx, early.id, SYSTEM));
	expect(await ended(early.id)).toMatchObject({ status: 'succeeded', error: null });
	expect(await placeOf(containerId)).toMatchObject({
		...limitsOf(ha),
		haNodeId: expect.any(String)
	});
	expect(await sizeAtProxmox(containerId)).toBe('70');
});

it('is refused before the charge where the last room was taken a moment ago', async () => {
	const [one, other] = [await liveTenant('pro', 'primero'), await liveTenant('pro', 'segundo')];
	const { nodeId } = await placeOf(one.containerId!);
	await db.container.update({ where: { id: other.containerId! }, data: { nodeId } });
	const node = await db.node.findUniqueOrThrow({ where: { id: nodeId } });
	const used = await db.container.aggregate({
		where: { OR: [{ nodeId }, { haNodeId: nodeId }], status: { not: 'deleted' } },
		_sum: { ramMb: true }
	});
	// One of them may grow by so much, and no second.
	await db.node.update({
		where: { id: nodeId },
		data: { ramTotalMb: used._sum.ramMb! + 3000, ramOvercommit: 1 }
	});
	const ha = await ownPlan({ isolation: 'dedicated_ha', ramMb: 4096 + 2048 });
	const both = await Promise.allSettled(
		[one, other].map(({ id: tenantId }) =>
			transaction((tx) =>
				holdTenantMove(tx, { tenantId, toIsolation: 'dedicated_ha', planId: ha.id }, SYSTEM)
			)
		)
	);
	expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
	const refused = both.find((result) => result.status === 'rejected');
	expect(refused!.reason).toMatchObject({ code: 'MOVE_REFUSED', message: 'no_room' });
	// What is held is given back, though another row cannot even be read.
	const held = await db.tenantMigration.findFirstOrThrow({ where: { planId: ha.id } });
	const { fromContainerId, toContainerId, planId } = held;
	const { id: tenantId, customerId } = one.id === held.tenantId ? other : one;
	const broken = await db.tenantMigration.create({
		data: {
			...{ tenantId, customerId, fromContainerId, toContainerId, planId, byLabel: 'tests' },
			...{ fromIsolation: 'dedicated', toIsolation: 'dedicated_ha', limitsBefore: {} },
			createdAt: new Date(0)
		}
	});
	await db.tenantMigration.update({ where: { id: held.id }, data: { createdAt: new Date(1) } });
	await sweepMoves();
	expect(await lastMove({ id: held.tenantId })).toMatchObject({ status: 'cancelled' });
	await db.tenantMigration.delete({ where: { id: broken.id } });
	await db.node.update({
		where: { id: nodeId },
		data: { ramTotalMb: node.ramTotalMb, ramOvercommit: node.ramOvercommit }
	});
});

it('gives the room back at once when the order cannot even be made', async () => {
	const tenant = await liveTenant('basic', 'tarde');
	const [scope, by] = [
		{ id: tenant.subscriptionId!, customerId: tenant.customerId },
		{ kind: 'member' as const, id: null, label: 'ana@example.com' }
	];
	const { change } = await previewPlanChange(scope, { planKey: 'pro' }, by);
	// It was shown so long ago that it is not ordered any more.
	await db.subscriptionChange.update({
		where: { id: change.id },
		data: { createdAt: after(now(), -HOUR) }
	});
	const order = orderPlanChange({ changeId: change.id, customerId: tenant.customerId }, by);
	await expect(order).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
	const held = await lastMove(tenant);
	expect(held).toMatchObject({ status: 'cancelled', jobId: null });
	expect(await placeOf(held.toContainerId!)).toMatchObject({ status: 'deleted' });
	// What another order of the same plan holds stays its own.
	const wish = { tenantId: tenant.id, toIsolation: 'dedicated', planId: change.toPlanId } as const;
	await transaction((tx) => holdTenantMove(tx, wish, SYSTEM));
	const rival = await previewPlanChange(scope, { planKey: 'pro' }, by);
	await db.subscriptionChange.update({
		where: { id: rival.change.id },
		data: { status: 'waiting_payment' }
	});
	await expect(
		orderPlanChange({ changeId: change.id, customerId: tenant.customerId }, by)
	).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
	expect(await lastMove(tenant)).toMatchObject({ status: 'planned', jobId: null });
});

it('stays what it was when high availability cannot be had', async () => {
	const tenant = await liveTenant('pro', 'sola');
	const pro = await planOf('pro');
	// Fewer cores, more memory: what it may have again keeps its room meanwhile.
	const slim = await ownPlan({ isolation: 'dedicated_ha', cpuCores: 1, ramMb: 6144 });
	const seen: object[] = [];
	platform.fault({
		...{ target: 'proxmox', match: '^POST .*/cluster/ha/resources', kind: 'status', status: 500 },
		...{ times: 8, body: JSON.stringify({ data: null, message: 'unable to write the rules' }) },
		onTaken: () => void placeOf(tenant.containerId!).then((place) => seen.push(place))
	});
	const to = { toIsolation: 'dedicated_ha', planId: slim.id } as const;
	const row = await ended((await move(tenant, to)).id);
	expect(row).toMatchObject({
		status: 'rolled_back',
		error: expect.stringContaining('unable to write the rules')
	});
	const container = await placeOf(row.fromContainerId);
	expect(seen[0]).toMatchObject({ cpuCores: pro.cpuCores, ramMb: 6144 });
	expect(container).toMatchObject({ ...limitsOf(pro), haNodeId: null, status: 'running' });
	expect(await fresh(tenant)).toMatchObject({ status: 'active', isolation: 'dedicated' });
	platform.sandbox.kernel.faults.clear();
	const again = await transaction(async (tx) => {
		await pays(tx, tenant, slim);
		return retryTenantMove(tx, row.id, SYSTEM);
	});
	expect(await ended(again.id)).toMatchObject({ status: 'succeeded', error: null });
	expect(await placeOf(row.fromContainerId)).toMatchObject({ cpuCores: 1, ramMb: 6144 });
});
