import { z } from 'zod';
import { cached, forget } from '#lib/core/cache.server.ts';
import { MINUTE } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { onGap, onNotice } from '#lib/core/listen.server.ts';
import { vendorState } from '#lib/logs/vendorStates.server.ts';

/** An event that is not done after this time is late: it takes seconds. */
const LATE = 2 * MINUTE;
/** `billing.catch-up` asks every five minutes; who was not heard for three times that is not asked any more. */
const SILENT = 15 * MINUTE;
/** Beyond this many tries one event is its own trouble, which the list of events shows, and says nothing of the rest. */
const TRIES = 8;
const KEY = 'billing.stripe-age';
const SECONDS = 5;

const schema = z.object({ at: z.coerce.date(), awaySince: z.coerce.date().nullable() }).nullable();

/** How old what we show of Stripe is, by the machines' clock, which is the browser's too. */
export type StripeAge = z.infer<typeof schema>;

const drop = () => void forget(KEY);
onNotice(({ topic }) => {
	if (topic === 'staff:vendors') drop();
});
onGap(drop);

/**
 * Says how old our mirror of Stripe is when it is old: Stripe does not answer (`awaySince`), its events are not worked
 * on, or nobody asks it. Read once every few seconds for all who look.
 * @returns null while everything is as Stripe has it, and where Stripe was never asked
 */
export function stripeAge(): Promise<StripeAge> {
	return cached(KEY, SECONDS, schema, readAge);
}

/** The same, looked up now. */
export async function readAge(): Promise<StripeAge> {
	const state = await vendorState('stripe');
	if (!state) return null;
	if (state.failingSince)
		return { at: state.answeredAt ?? state.failingSince, awaySince: state.failingSince };
	const late = await db.stripeEvent.findFirst({
		where: {
			processed: false,
			receivedAt: { lt: new Date(Date.now() - LATE) },
			attempts: { lt: TRIES }
		},
		orderBy: { receivedAt: 'asc' },
		select: { receivedAt: true }
	});
	if (late) return { at: late.receivedAt, awaySince: null };
	const { answeredAt } = state;
	if (answeredAt && answeredAt.getTime() < Date.now() - SILENT)
		return { at: answeredAt, awaySince: null };
	return null;
}
