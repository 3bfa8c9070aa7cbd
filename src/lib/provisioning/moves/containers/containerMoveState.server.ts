import { z } from 'zod';
import { MINUTE } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import type { StepContext, StepWait } from '#lib/core/saga.server.ts';
import { carriageSchema } from '#lib/infrastructure/moving/carry.server.ts';
import { stepMessage } from '../../stepMessages.ts';

/** What a move remembers between its steps and over a crash. Times are milliseconds since the epoch. */
export const containerMoveState = z.object({
	moveId: z.uuid(),
	/** When the nodes were first looked at, and something was in the way that passes. */
	checkedAt: z.number().optional(),
	/** UPID of the vzdump. */
	archiveUpid: z.string().nullable().optional(),
	offAirAsked: z.number().optional(),
	carriage: carriageSchema.nullable().optional(),
	/** Likewise of the way back. */
	wayBack: carriageSchema.nullable().optional(),
	/** When Odoo was first asked on the other node. */
	startedAt: z.number().optional(),
	tunnelsAsked: z.number().optional(),
	onAirAsked: z.number().optional()
});
export type ContainerMoveState = z.infer<typeof containerMoveState>;
export type MoveContext = StepContext<ContainerMoveState>;

/** Tests shorten it. */
export const movePatience = {
	/** How long it waits for who holds the container before it gives up. */
	heldMs: 30 * MINUTE,
	/** How long Odoo may take to answer on the other node. */
	odooMs: 5 * MINUTE
};

/** The move of a run, as its rows say now. */
export async function factsOf({ state, jobId }: Pick<MoveContext, 'state' | 'jobId'>) {
	const move = await db.containerMove.findUniqueOrThrow({
		where: { id: state.moveId },
		include: { migrations: { where: { jobId }, select: { tenantId: true } } }
	});
	const container = await db.container.findUniqueOrThrow({ where: { id: move.containerId } });
	const nodes = await db.node.findMany({
		where: { id: { in: [move.fromNodeId, move.toNodeId!] } },
		select: { id: true, name: true }
	});
	const nodeOf = (id: string | null) => nodes.find((node) => node.id === id)!;
	return {
		move,
		container,
		from: nodeOf(move.fromNodeId),
		to: nodeOf(move.toNodeId),
		tenantIds: move.migrations.map(({ tenantId }) => tenantId)
	};
}

/** Waits, and says why on the move's page. @param why `code` or `code: words of Proxmox` */
export async function waitFor(
	context: MoveContext,
	why: string,
	seconds: number
): Promise<StepWait> {
	await context.write((tx) =>
		tx.containerMove.updateMany({
			where: { id: context.state.moveId, OR: [{ error: null }, { NOT: { error: 'cancelled' } }] },
			data: { error: why }
		})
	);
	return {
		wait: seconds,
		reason: why.split(':')[0]!,
		message: stepMessage('move_waits', { why })
	};
}
