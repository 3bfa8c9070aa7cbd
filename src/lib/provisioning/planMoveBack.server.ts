import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import type { SubscriptionChange } from '#prisma/generated/client.ts';
import { changeBack } from '../billing/changeBack.server.ts';
import { shownInvoice } from '../billing/changePreview.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { tellPlanMove } from './planMoveNotices.server.ts';
import { changeToTakeBack } from './planMoves.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.plan-move-back': { migrationId: string };
	}
}

/**
 * The window for trying a turned back move again is over: the customer gets back what was paid for the plan, as credit, and
 * the plan that the instance has. Nothing when somebody tried again, or took the change back, since. Runs any number of times.
 * @throws {AppError} while the subscription cannot be changed, a late payment for example: the queue tries again, and the alert
 * stays open
 */
export async function takePlanBack(migrationId: string): Promise<SubscriptionChange | null> {
	const found = await changeToTakeBack(migrationId);
	if (!found) return null;
	const { tenant, change, plan } = found;
	const back = await changeBack(change.id, SYSTEM);
	if (back?.status !== 'applied') return back;
	const { total } = shownInvoice.parse(back.lines);
	const { currency } = back;
	await transaction((tx) =>
		tellPlanMove(
			tx,
			{ tenant, plan, key: `plan-back:${back.id}` },
			{ what: 'given_back', credit: Math.max(0, -total), currency }
		)
	);
	return back;
}

defineJob({
	name: 'provisioning.plan-move-back',
	payload: z.object({ migrationId: z.uuid() }),
	run: ({ migrationId }) => takePlanBack(migrationId),
	queue: { retryLimit: 30, retryDelay: 60, retryBackoff: true, retryDelayMax: 3_600 }
});
