import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { PlacementRules } from '../placement/placement.server.ts';
import type { ClusterRoom } from '../placement/rooms.server.ts';
import { candidates } from '../placement/world.server.ts';
import { GONE_TENANTS } from '../placement/slots.server.ts';
import type { Mould, Pool, PoolWorld, Warm } from './poolPlan.ts';

/** What failed is tried again after this, unless staff ask for it. */
const REST = 15 * MINUTE;

export const UNFINISHED = ['queued', 'running', 'waiting', 'compensating'] as const;

/** Marks the reason of a container that could not be made; Proxmox's words follow. */
export const FAILED = 'failed: ';

/** The plans of which containers can be made ahead, by key: the versions that are sold now. */
export async function mouldsOf(tx: Tx, rules: PlacementRules): Promise<Map<string, PlanMould>> {
	const plans = await tx.plan.findMany({
		// High availability takes room on two nodes that are chosen together, when somebody comes.
		where: { replacedAt: null, purchasable: true, isolation: { not: 'dedicated_ha' } },
		orderBy: { position: 'asc' }
	});
	return new Map(
		plans.map(({ id, key, name, isolation, cpuCores, ramMb, diskGb }) => {
			const isShared = isolation === 'shared';
			const limits = isShared ? rules.sharedContainer : { cpuCores, ramMb, diskGb };
			const slots = isShared ? rules.tenantsPerSharedContainer : 1;
			return [key, { id, name, isolation, ...limits, slots }];
		})
	);
}

export interface PlanMould extends Mould {
	id: string;
	name: string;
}

/** Everything that the keeper decides by. @param reserve the setting `provisioning.warm_reserve` */
export async function poolWorld(
	tx: Tx,
	rules: PlacementRules,
	rooms: ReadonlyMap<string, ClusterRoom>,
	reserve: number
): Promise<PoolWorld> {
	const moulds = await mouldsOf(tx, rules);
	const templates = await tx.template.findMany({
		where: { current: true },
		select: { id: true, clusterId: true }
	});
	const current = new Map(templates.map(({ clusterId, id }) => [clusterId, id]));
	// One whose run has failed is not being copied, and may stand there for as long as staff think about it.
	const making = await tx.$queryRaw<{ clusterId: string }[]>`
		SELECT DISTINCT container.cluster_id AS "clusterId" FROM lxc_containers container
		JOIN provisioning_jobs run ON run.id = container.created_by_job_id
		WHERE container.status = 'provisioning' AND container.warm_plan_id IS NULL
			AND container.purpose IN ('odoo', 'shared') AND run.status IN ('queued', 'running', 'waiting')`;
	// Set-ups and moves, whether they found none or what was made ahead is going for them.
	const [waits] = await tx.$queryRaw<{ somebody: boolean }[]>`
		SELECT EXISTS (SELECT FROM tenant_deployments tenant
				JOIN provisioning_jobs run ON run.subject_id = tenant.id
				WHERE tenant.status = 'waiting_capacity' AND run.status IN ('queued', 'running', 'waiting'))
			OR EXISTS (SELECT FROM provisioning_jobs run WHERE run.status = 'waiting' AND run.reason = 'NO_CAPACITY')
			OR EXISTS (SELECT FROM container_moves move WHERE move.status = 'planned' AND move.error = 'room_comes')
			OR EXISTS (SELECT FROM container_acts act WHERE act.status = 'running' AND act.error = 'room_comes') AS somebody`;
	return {
		pools: await poolsIn(tx, moulds),
		warm: await warmIn(tx),
		candidates: await candidates(tx, rooms),
		templates: current,
		busy: new Set(making.map(({ clusterId }) => clusterId)),
		somebodyWaits: waits?.somebody === true,
		reserve
	};
}

async function poolsIn(tx: Tx, moulds: Map<string, PlanMould>): Promise<Pool[]> {
	const rows = await tx.warmPool.findMany({
		where: { target: { gt: 0 }, node: { removedAt: null } },
		include: { plan: { select: { key: true } }, node: { select: { clusterId: true } } },
		orderBy: [{ plan: { position: 'asc' } }, { node: { name: 'asc' } }]
	});
	const spare = await spareShared(tx);
	const rested = after(now(), -REST);
	return rows.map(({ node, plan, ...row }) => {
		const mould = moulds.get(plan.key) ?? null;
		return {
			...{ nodeId: row.nodeId, clusterId: node.clusterId, planId: row.planId, planKey: plan.key },
			...{ target: row.target, mould },
			spare: mould?.isolation === 'shared' ? (spare.get(row.nodeId) ?? 0) : 0,
			isResting:
				row.error?.startsWith(FAILED) === true && row.lookedAt !== null && row.lookedAt > rested
		};
	});
}

/** By node: shared containers in service, of the current template, that nobody lives in and nobody made ahead. */
async function spareShared(tx: Tx): Promise<Map<string, number>> {
	const rows = await tx.container.groupBy({
		by: ['nodeId'],
		where: {
			...{ purpose: 'shared', status: 'running', retiring: false, warmPlanId: null },
			...{ copiedOf: { current: true }, moveToNodeId: null },
			tenants: { none: { status: { notIn: [...GONE_TENANTS] } } }
		},
		_count: true
	});
	return new Map(rows.map(({ nodeId, _count }) => [nodeId, _count]));
}

async function warmIn(tx: Tx): Promise<Warm[]> {
	const rows = await tx.container.findMany({
		where: { warmPlanId: { not: null }, retiring: false, status: { not: 'deleted' } },
		include: { warmPlan: { select: { key: true } } },
		orderBy: { createdAt: 'asc' }
	});
	const runs = await tx.provisioningJob.findMany({
		where: {
			id: { in: rows.flatMap(({ createdByJobId }) => createdByJobId ?? []) },
			status: { in: [...UNFINISHED] }
		},
		select: { id: true }
	});
	const unfinished = new Set(runs.map(({ id }) => id));
	return rows.map((row) => ({
		...{ containerId: row.id, nodeId: row.nodeId, clusterId: row.clusterId },
		...{ cpuCores: row.cpuCores, ramMb: row.ramMb, diskGb: row.diskGb, slots: row.slots },
		...{ planKey: row.warmPlan?.key ?? '', templateId: row.templateId },
		isBroken: row.status === 'error' || row.status === 'paused',
		isBeingMade: row.createdByJobId !== null && unfinished.has(row.createdByJobId)
	}));
}
