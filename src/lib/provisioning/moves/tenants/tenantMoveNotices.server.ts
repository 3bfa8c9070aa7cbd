import type { Tx } from '#lib/core/db.server.ts';
import { notify } from '#lib/notifications/notifications.server.ts';
import { tellBackAgain, tellMoved, tellOfTime } from '../containers/moveNotices.server.ts';
import { moveErrorInBoth } from '../migrationErrors.ts';
import type { MovingRow } from './tenantMoveRow.server.ts';

/** The customer hears when it begins, where that is not at once. */
export function tellPlanned(tx: Tx, row: MovingRow & { notBefore: Date }): Promise<void> {
	return tellOfTime(tx, row.notBefore, [row]);
}

/** It lives elsewhere: in the activity of its customer, and told to who noticed. */
export function tellGoneOver(tx: Tx, row: MovingRow): Promise<void> {
	return tellMoved(tx, [row]);
}

/**
 * It is where it was. Staff hear why, unless they gave it up themselves; its customer hears of it when it was off the air for
 * nothing, unless the move was for a plan: what that means is said by who applies plans.
 */
export async function tellTurnedBack(tx: Tx, row: MovingRow): Promise<void> {
	const { slug, id: tenantId } = row.tenant;
	if (row.error)
		await notify(tx, {
			permission: 'infrastructure:read',
			kind: 'tenant_move_turned_back_staff',
			severity: 'warning',
			data: { slug, ...moveErrorInBoth(row.error) },
			href: `/admin/tenants/${tenantId}`,
			dedupeKey: `move-back:${row.id}`
		});
	if (!row.planId) await tellBackAgain(tx, [row]);
}
