import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { rejectionSentence } from '#lib/infrastructure/placement/rejections.ts';
import { getLocale } from '#i18n/paraglide/runtime.js';
import type { MoveStatus, NodeDrain } from '#prisma/generated/client.ts';
import type { Drainable, DrainPlan } from './drainPlan.ts';
import { staySentence } from './drainWords.ts';

const container = z.object({ id: z.uuid(), vmid: z.number().int(), hostname: z.string() });

/** Where everything on a node would go now, in the API. */
const planSchema = z.object({
	/** In the order in which they would go. */
	moves: z.array(
		z.object({
			container,
			to: z.object({ id: z.uuid(), name: z.string() }),
			tenants: z.array(z.object({ id: z.uuid(), subdomain: z.string() })),
			/** VMIDs of what was made ahead for others and goes first, so that there is room. */
			gives_up: z.array(z.number().int()),
			expected_downtime_ms: z.number().int().nullable()
		})
	),
	/** What fits nowhere, with what speaks against each other node. */
	stuck: z.array(
		z.object({
			container,
			nodes: z.array(z.object({ name: z.string(), reasons: z.array(z.string()) }))
		})
	),
	/** What is not moved, and why. */
	stays: z.array(z.object({ container, reason: z.string() })),
	expected_downtime_ms: z.number().int().nullable()
});

/** A drain in the API. */
export const drainSchema = z.object({
	id: z.uuid(),
	/** running, paused, done, cancelled */
	status: z.string(),
	node: z.object({ id: z.uuid(), name: z.string() }),
	reason: z.string().nullable(),
	/** Nothing begins before: customers were told this time. */
	not_before: z.date().nullable(),
	/** How many of its moves are in which state; a worker plans them just after it was asked for. */
	moves: z.record(z.string(), z.number().int()),
	requested_by: z.string(),
	created_at: z.date(),
	finished_at: z.date().nullable()
});

export const nodeDrainSchema = z.object({
	plan: planSchema,
	/** The one under way, else the last one. */
	drain: drainSchema.nullable()
});

/** A drain with how far it is. */
export interface DrainRow extends NodeDrain {
	node: string;
	/** Moves by their state; of those that have none there is no entry. */
	counts: Partial<Record<MoveStatus, number>>;
	/** How many are still on the node and wait for somebody to decide. */
	undecided: number;
	/** How many wait because they fit on no other node. */
	lackRoom: number;
}

/**
 * How many moves of these drains wait for staff: they failed or were turned back, and their container is still on the node.
 * What has left it, well or not, keeps no drain waiting. Of those that wait for nobody there is no entry.
 */
export async function undecidedOf(tx: Tx, drainIds: string[]): Promise<Map<string, number>> {
	const rows = await tx.$queryRaw<{ id: string; count: number }[]>`
		SELECT drain.id, count(*)::int AS count FROM node_drains drain
		JOIN container_moves move ON move.drain_id = drain.id AND move.status IN ('failed', 'rolled_back')
		JOIN lxc_containers container ON container.id = move.container_id
			AND container.node_id = drain.node_id AND container.status <> 'deleted'
		WHERE drain.id = ANY(${drainIds}::uuid[])
		GROUP BY drain.id`;
	return new Map(rows.map(({ id, count }) => [id, count]));
}

/** These drains with their nodes and how far they are, in no order. */
export async function drainRows(tx: Tx, ids: string[]): Promise<DrainRow[]> {
	const drains = await tx.nodeDrain.findMany({ where: { id: { in: ids } } });
	const nodes = await tx.node.findMany({
		where: { id: { in: drains.map(({ nodeId }) => nodeId) } },
		select: { id: true, name: true }
	});
	const sums = await tx.containerMove.groupBy({
		by: ['drainId', 'status'],
		where: { drainId: { in: ids } },
		_count: true
	});
	const lacking = await tx.containerMove.groupBy({
		by: ['drainId'],
		where: { drainId: { in: ids }, status: 'planned', error: 'no_room' },
		_count: true
	});
	const undecided = await undecidedOf(tx, ids);
	return drains.map((drain) => ({
		...drain,
		undecided: undecided.get(drain.id) ?? 0,
		lackRoom: lacking.find(({ drainId }) => drainId === drain.id)?._count ?? 0,
		node: nodes.find(({ id }) => id === drain.nodeId)?.name ?? '',
		counts: Object.fromEntries(
			sums
				.filter(({ drainId }) => drainId === drain.id)
				.map(({ status, _count }) => [status, _count])
		)
	}));
}

/** The drain of a node that is under way, else its last one; null when it never had one. */
export async function drainOfNode(tx: Tx, nodeId: string): Promise<DrainRow | null> {
	const last = await tx.nodeDrain.findFirst({
		where: { nodeId },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		select: { id: true }
	});
	const [row] = last ? await drainRows(tx, [last.id]) : [];
	return row ?? null;
}

export function drainView(row: DrainRow): z.input<typeof drainSchema> {
	return {
		...{ id: row.id, status: row.status, node: { id: row.nodeId, name: row.node } },
		...{ reason: row.reason, not_before: row.notBefore, moves: { ...row.counts } },
		...{ requested_by: row.byLabel, created_at: row.createdAt, finished_at: row.finishedAt }
	};
}

export function planView(plan: DrainPlan): z.input<typeof planSchema> {
	const named = ({ containerId, vmid, hostname }: Drainable) => ({
		...{ id: containerId, vmid, hostname }
	});
	const locale = getLocale();
	return {
		moves: plan.moves.map(({ container, to, yields }) => ({
			container: named(container),
			to: { id: to.nodeId, name: to.name },
			gives_up: (yields ?? []).map(({ vmid }) => vmid),
			tenants: container.tenants.map(({ id, slug }) => ({ id, subdomain: slug })),
			expected_downtime_ms: container.expectedMs
		})),
		stuck: plan.stuck.map(({ container, nodes }) => ({
			container: named(container),
			nodes: nodes.map(({ candidate, reasons }) => ({
				name: candidate.name,
				reasons: reasons.map((reason) => rejectionSentence(reason, locale))
			}))
		})),
		stays: plan.stays.map(({ container, reason }) => ({
			container: named(container),
			reason: staySentence(reason)
		})),
		expected_downtime_ms: plan.expectedMs
	};
}
