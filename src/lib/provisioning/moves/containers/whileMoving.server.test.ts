import { expect, it, vi } from 'vitest';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, lock, transaction } from '#lib/core/db.server.ts';
import { ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { wishSchema } from '#lib/infrastructure/containers/actForms.ts';
import { actLockOf, askForAct } from '#lib/infrastructure/containers/acts.server.ts';
import { holdGrowth } from '#lib/infrastructure/containers/growth.server.ts';
import { BY } from '../../../../../tests/setup/containerActs.ts';
import { customDomains, readyForDomains } from '../../../../../tests/setup/customDomains.ts';
import { testMoves } from '../../../../../tests/setup/moving.ts';
import { ownPlan } from '../../../../../tests/setup/planMoves.ts';
import { eventually } from '../../../../../tests/setup/queue.ts';
import { tunnelPerNode } from '../../../../../tests/setup/tunnelPerNode.ts';
import { applyPlan, holdRoom } from '../../applyPlan.server.ts';
import { askForTenantMove } from '../tenants/tenantMoves.server.ts';
import { waitingPlans } from '../tenants/waitingPlans.server.ts';
import { cancelMove } from './moveCancel.server.ts';
import { beginPlanned } from './moveJobs.server.ts';

vi.setConfig({ testTimeout: 180_000 });
const { platform, pve, settled, until, elsewhere, ask, ended, expectWhole } = await testMoves(3);

/** How the promise ends, as a code. */
const codeOf = (work: Promise<unknown>) =>
	work.then(
		() => 'taken',
		(error: { code?: string }) => error.code ?? String(error)
	);

it('leaves the limits of what is on its way alone, and gives what was paid meanwhile afterwards', async () => {
	const [tenant] = await settled('pro', 'crece');
	const { id, customerId, containerId, subscriptionId, container } = tenant!;
	const { vmid, cpuCores, ramMb, diskGb } = container!;
	const large = await ownPlan({ cpuCores: 3, ramMb: 6144, diskGb: 60 });
	const limits = () =>
		db.container.findUniqueOrThrow({
			where: { id: containerId! },
			select: { cpuCores: true, ramMb: true, diskGb: true }
		});
	const atProxmox = () => {
		const { cores, memory, rootfs } = pve.state.containers[vmid]!.config;
		return { cores, memory, size: /size=(\d+)G/.exec(String(rootfs))?.[1] };
	};
	const before = atProxmox();

	/** Everything that changes limits, or what the container is, while it is on its way. */
	async function tryAll() {
		await db.subscription.update({ where: { id: subscriptionId! }, data: { planId: large.id } });
		await applyPlan(id);
		const acts = [
			{ act: 'resize', cpu_cores: 3, ram_mb: 6144, disk_gb: 60 },
			{ act: 'snapshot', name: 'antes' },
			{ act: 'rollback', name: 'antes' }
		].map((wish) =>
			codeOf(transaction((tx) => askForAct(tx, containerId!, wishSchema.parse(wish), BY)))
		);
		const fresh = await db.tenant.findUniqueOrThrow({ where: { id } });
		const at = { notBefore: null, by: BY };
		return {
			acts: await Promise.all(acts),
			order: await codeOf(transaction((tx) => holdRoom(tx, fresh, large, at))),
			held: await transaction((tx) => holdGrowth(tx, containerId!, large)),
			limits: await limits(),
			atProxmox: atProxmox(),
			waiting: await waitingPlans(db, customerId),
			planId: fresh.planId
		};
	}
	const seen: Promise<Awaited<ReturnType<typeof tryAll>>>[] = [];
	for (const match of ['^GET .*/lxc/.*/migrate', '^TASK vzmigrate'])
		platform.fault({
			...{ target: 'proxmox', match, kind: 'delay', ms: 1_500 },
			onTaken: () => void seen.push(tryAll())
		});
	const to = await elsewhere(containerId!);
	const move = await ended((await ask(containerId!, to.id)).id);
	expect(move).toMatchObject({ status: 'confirming', error: null });
	expect(seen).toHaveLength(2);
	for (const during of await Promise.all(seen))
		expect(during).toMatchObject({
			acts: ['CONTAINER_ACT_REFUSED', 'CONTAINER_ACT_REFUSED', 'CONTAINER_ACT_REFUSED'],
			...{ order: 'IS_MOVING', held: { fits: false } },
			...{ limits: { cpuCores, ramMb, diskGb }, atProxmox: before },
			waiting: [{ tenantId: id, slug: 'crece', subscriptionId, plan: large.name }],
			planId: tenant!.planId
		});

	// Its end asked for the plan.
	await eventually(async () => (await until('crece', 'active')).planId === large.id, 40);
	expect(await limits()).toEqual({ cpuCores: 3, ramMb: 6144, diskGb: 60 });
	expect(atProxmox()).toEqual({ cores: 3, memory: 6144, size: '60' });
	expect(await waitingPlans(db, customerId)).toEqual([]);
	await expectWhole(containerId!);
});

it('says of each planned one that it cannot begin, and is neither that of an instance nor begun after it was given up', async () => {
	const { id, customerId, containerId } = await until('crece', 'active');
	const plan = () => ask(containerId!, null, { notBefore: after(now(), HOUR) });
	const adopt = (adopted: boolean) =>
		db.container.update({ where: { id: containerId! }, data: { adopted } });
	const staff = () => db.notification.count({ where: { kind: 'provisioning.move-failed' } });
	const before = await staff();
	for (let times = 0; times < 2; times += 1) {
		const { id: moveId } = await plan();
		await adopt(true);
		await beginPlanned(moveId);
		await adopt(false);
		expect(await db.containerMove.findUniqueOrThrow({ where: { id: moveId } })).toMatchObject({
			...{ status: 'rolled_back', error: 'adopted', jobId: null }
		});
	}
	expect(await staff()).toBe(before + 2);
	const off = { customerId, kind: 'tenant_move_called_off' };
	expect(await db.notification.count({ where: off })).toBe(2);

	// What it has planned of its instance is no room that is held for a move by database.
	const { id: moveId } = await plan();
	const same = { tenantId: id, toIsolation: 'dedicated' } as const;
	const other = { ...same, nodeId: (await elsewhere(containerId!)).id };
	for (const [wish, message] of [
		[same, 'same'],
		[other, 'moving']
	] as const)
		await expect(transaction((tx) => askForTenantMove(tx, wish, BY))).rejects.toMatchObject({
			...{ code: 'MOVE_REFUSED', message }
		});

	// Staff give it up between the refusal and what follows from it.
	await adopt(true);
	const name = actLockOf(containerId!);
	const waiting = (count: number) =>
		eventually(async () => {
			const waits = await db.$queryRaw<object[]>`
				SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
					AND ((classid::bigint << 32) | objid::bigint) = hashtextextended(${name}, 0)`;
			return waits.length === count;
		});
	const acts = await transaction(async (tx) => {
		await lock(tx, name);
		const begins = beginPlanned(moveId);
		await waiting(1);
		const cancels = transaction((tx) => cancelMove(tx, moveId, BY));
		await waiting(2);
		return [begins, cancels];
	});
	await Promise.all(acts);
	await adopt(false);
	expect(await db.containerMove.findUniqueOrThrow({ where: { id: moveId } })).toMatchObject({
		...{ status: 'cancelled', error: null }
	});
	expect(await staff()).toBe(before + 2);
	// One that failed for good would stand in the way of all that follow under its key.
	const dead = await db.$queryRaw`
		SELECT name FROM pgboss.queue WHERE policy = 'key_strict_fifo' AND retry_limit < ${ONE_PER_KEY.retryLimit}`;
	expect(dead).toEqual([]);
});

it('goes by the tunnel of its node where tunnels go by node, and takes the domains of its customer along', async () => {
	const { tunnelOf, leads } = await tunnelPerNode(platform.sandbox.kernel);
	const [tenant] = await settled('pro', 'tunel');
	const { containerId, container, baseDomainId } = tenant!;
	expect(tenant!.tunnelId).toBe(tunnelOf(container!.nodeId));
	await readyForDomains();
	const { working } = customDomains(platform);
	const { domain } = await working(tenant!, 'erp.cliente.com');
	const answers = async (host: string) => {
		const { status, body } = await platform.open(host, '/web/login');
		return { host, status, isIts: body.includes('value="tunel"') };
	};
	const well = { host: 'erp.cliente.com', status: 200, isIts: true };
	expect(await answers('erp.cliente.com')).toEqual(well);

	const to = await elsewhere(containerId!);
	const move = await ended((await ask(containerId!, to.id)).id);
	expect(move.status).toBe('confirming');
	const { tunnelId } = await until('tunel', 'active');
	expect(tunnelId).toBe(tunnelOf(to.id));
	await eventually(async () => leads('"hostname":"tunel.sajet.us"').length === 1, 30);
	expect(leads('"hostname":"tunel.sajet.us"')).toEqual([tunnelOf(to.id)]);
	await expectWhole(containerId!);
	expect(await answers('erp.cliente.com')).toEqual(well);
	// Its zone has one way in for all custom hostnames: that of the base domain, and no node's.
	expect(leads('"hostname":"erp.cliente.com"')).toEqual([undefined]);
	const base = await db.baseDomain.findUniqueOrThrow({ where: { id: baseDomainId } });
	expect(base.tunnelId).not.toBe(tunnelId);
	expect(await db.customDomain.findUniqueOrThrow({ where: { id: domain.id } })).toMatchObject({
		...{ status: 'active', published: true }
	});
});
