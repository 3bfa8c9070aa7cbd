import type { Tx } from '#lib/core/db.server.ts';
import { giveUpWarm } from './giveUp.server.ts';
import type { Held, Yielding } from './yielding.ts';

/** Everything that was made ahead or is being made, the largest first. */
export async function heldAhead(tx: Tx): Promise<Held[]> {
	const rows = await tx.container.findMany({
		where: { warmPlanId: { not: null }, status: { not: 'deleted' } },
		orderBy: [{ ramMb: 'desc' }, { createdAt: 'desc' }]
	});
	return rows.map(({ id, ...row }) => ({ ...row, containerId: id }));
}

/** Lets them go, as part of `tx`: who waits for room is woken once nothing is left of them. */
export async function yieldRoom(
	tx: Tx,
	{ containers }: Pick<Yielding, 'containers'>
): Promise<void> {
	for (const { containerId } of containers) await giveUpWarm(tx, containerId, 'room');
}
