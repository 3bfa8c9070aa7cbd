import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { placementRules } from '../placement/placement.server.ts';
import { mouldsOf, UNFINISHED } from './poolWorld.server.ts';

/** What one node keeps ready of one plan. */
export interface PoolRow {
	nodeId: string;
	node: string;
	plan: string;
	planName: string;
	isShared: boolean;
	target: number;
	/** Whole, for whoever comes next. */
	ready: number;
	making: number;
	/** Being taken down. */
	going: number;
	/** Why it is below its target: see poolWords.ts. */
	error: string | null;
}

/** Every plan that can be kept ready, on every node or on one, whether anything of it is or not; by node, then plan. */
export async function poolRows(tx: Tx, nodeId?: string): Promise<PoolRow[]> {
	const plans = await mouldsOf(tx, await placementRules());
	const nodes = await tx.node.findMany({
		where: { removedAt: null, ...(nodeId ? { id: nodeId } : {}) },
		select: { id: true, name: true },
		orderBy: { name: 'asc' }
	});
	const pools = await tx.warmPool.findMany({ include: { plan: { select: { key: true } } } });
	const held = await tx.$queryRaw<Held[]>`
		SELECT container.node_id AS "nodeId", plan.key AS plan,
			count(*) FILTER (WHERE container.retiring)::int AS going,
			count(*) FILTER (WHERE NOT container.retiring AND run.id IS NOT NULL)::int AS making,
			count(*) FILTER (WHERE NOT container.retiring AND run.id IS NULL)::int AS ready
		FROM lxc_containers container
		JOIN plans plan ON plan.id = container.warm_plan_id
		LEFT JOIN provisioning_jobs run ON run.id = container.created_by_job_id
			AND run.status::text = ANY(${[...UNFINISHED]})
		WHERE container.status <> 'deleted'
		GROUP BY container.node_id, plan.key`;
	return nodes.flatMap(({ id, name }) =>
		[...plans].map(([key, plan]) => {
			const pool = pools.find((one) => one.nodeId === id && one.plan.key === key);
			const has = held.find((one) => one.nodeId === id && one.plan === key);
			return {
				...{ nodeId: id, node: name, plan: key, planName: plan.name },
				isShared: plan.isolation === 'shared',
				...{ ready: has?.ready ?? 0, making: has?.making ?? 0, going: has?.going ?? 0 },
				...{ target: pool?.target ?? 0, error: pool?.error ?? null }
			};
		})
	);
}

interface Held {
	nodeId: string;
	plan: string;
	ready: number;
	making: number;
	going: number;
}

/** What the API says of it. */
export const poolSchema = z.object({
	/** Key of the plan. */
	plan: z.string(),
	target: z.number().int(),
	/** Made and nobody's yet. */
	ready: z.number().int(),
	making: z.number().int(),
	/** Being taken down. */
	going: z.number().int(),
	/** Why it is below its target: a code, or `failed: ` and Proxmox's words. */
	error: z.string().nullable()
});

/** @throws {AppError} NOT_FOUND; a node that was removed is not there */
export async function poolsOfNode(tx: Tx, nodeId: string): Promise<z.input<typeof poolSchema>[]> {
	const node = await tx.node.findFirst({ where: { id: nodeId, removedAt: null } });
	if (!node) throw new AppError('NOT_FOUND');
	return (await poolRows(tx, nodeId)).map(({ plan, target, ready, making, going, error }) => ({
		...{ plan, target, ready, making, going, error }
	}));
}
