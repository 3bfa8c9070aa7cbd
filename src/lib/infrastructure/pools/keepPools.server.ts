import { now } from '#lib/core/clock.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { startSaga } from '#lib/core/saga.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { readTakenVmids } from '../nodes/clients.server.ts';
import { PLACEMENT_LOCK, placementRules } from '../placement/placement.server.ts';
import { clusterRooms, type ClusterRoom } from '../placement/rooms.server.ts';
import { giveUpWarm } from './giveUp.server.ts';
import { planPools, type Mould, type Pool, type PoolPlan } from './poolPlan.ts';
import { poolWorld } from './poolWorld.server.ts';
import { makeWarmSaga } from './warmContainer.server.ts';

/**
 * Brings every pool nearer to its target: gives up what is outdated or too many, and begins one container in each cluster
 * that lacks some. What is decided is decided under the lock of placements; the work itself is done by runs and jobs. May
 * run at any time and anywhere: it goes by what is there.
 */
export async function keepPools(): Promise<void> {
	if (!(await isUsed())) return;
	const rules = await placementRules();
	const reserve = await setting('provisioning.warm_reserve');
	await transaction(followPlans);
	const rooms = await clusterRooms(db, new Map());
	const first = planPools(await poolWorld(db, rules, rooms, reserve));
	// Most looks find nothing to do, and need neither the lock nor what Proxmox says.
	if (!hasWork(first)) return noteWaits(db, first);
	const taken = first.make.length > 0 ? await readTakenVmids({}) : new Map();
	await transaction(async (tx) => {
		await lock(tx, PLACEMENT_LOCK);
		const left = await clusterRooms(tx, taken);
		const plan = planPools(await poolWorld(tx, rules, left, reserve));
		for (const { containerId, why } of plan.giveUp) await giveUpWarm(tx, containerId, why);
		for (const { pool, mould } of plan.make) {
			const room = left.get(pool.clusterId);
			if (room) await begin(tx, pool, mould, room);
		}
		await noteWaits(tx, plan);
	});
}

/** Most installations keep nothing ready, and most looks have nothing to look at. */
async function isUsed(): Promise<boolean> {
	const [row] = await db.$queryRaw<{ used: boolean }[]>`
		SELECT EXISTS (SELECT FROM warm_pools)
			OR EXISTS (SELECT FROM lxc_containers WHERE warm_plan_id IS NOT NULL AND status <> 'deleted') AS used`;
	return row?.used === true;
}

function hasWork({ giveUp, make }: PoolPlan): boolean {
	return giveUp.length > 0 || make.length > 0;
}

/** Pools and their containers go with the version of their plan that is sold now. */
async function followPlans(tx: Tx): Promise<void> {
	const old = await tx.warmPool.findMany({
		where: { plan: { replacedAt: { not: null } } },
		include: { plan: { select: { key: true } } }
	});
	for (const { nodeId, planId, target, plan } of old) {
		const sold = await tx.plan.findFirst({
			where: { key: plan.key, replacedAt: null },
			select: { id: true }
		});
		if (!sold) continue;
		await tx.warmPool.deleteMany({ where: { nodeId, planId } });
		await tx.warmPool.createMany({
			data: [{ nodeId, planId: sold.id, target }],
			skipDuplicates: true
		});
		await tx.container.updateMany({
			where: { warmPlanId: planId },
			data: { warmPlanId: sold.id }
		});
	}
}

/** The row is the reservation, and a run makes it real. */
async function begin(tx: Tx, pool: Pool, mould: Mould, room: ClusterRoom): Promise<void> {
	const [vmid, lease] = [room.nextVmid(), room.nextAddress()];
	if (vmid === null || lease === null) return;
	const isShared = mould.isolation === 'shared';
	const { cpuCores, ramMb, diskGb, slots } = mould;
	const { id } = await tx.container.create({
		data: {
			...{ cpuCores, ramMb, diskGb, slots, vmid },
			...{ clusterId: pool.clusterId, nodeId: pool.nodeId, warmPlanId: pool.planId },
			hostname: isShared ? `erp-shared-${vmid}` : `erp-warm-${vmid}`,
			purpose: isShared ? 'shared' : 'odoo',
			odooVersion: room.odooVersion,
			postgresContainerId: room.serverFor(pool.nodeId, mould),
			ipAddress: lease.address,
			address: { create: lease }
		}
	});
	const about = { subjectId: id, customerId: null, state: {} };
	const jobId = await startSaga(tx, makeWarmSaga, about);
	await tx.container.update({ where: { id }, data: { createdByJobId: jobId } });
	await publish(tx, ['staff:containers', 'staff:nodes'], id);
}

async function noteWaits(tx: Tx, { waits }: PoolPlan): Promise<void> {
	for (const [{ nodeId, planId }, error] of waits) {
		const { count } = await tx.warmPool.updateMany({
			// `IS DISTINCT FROM`, which Prisma has no word for.
			where: {
				...{ nodeId, planId },
				...(error === null
					? { error: { not: null } }
					: { OR: [{ error: null }, { error: { not: error } }] })
			},
			data: { error, lookedAt: now() }
		});
		if (count > 0) await publish(tx, 'staff:nodes', nodeId);
	}
}
