import { z } from 'zod';
import { cached, forget } from '#lib/core/cache.server.ts';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';

const speedSchema = z.object({
	/** Set-ups that these figures are made of. */
	count: z.number(),
	/** Median seconds from the beginning of the set-up to an instance that answers. */
	seconds: z.number(),
	/**
	 * The same from Stripe's moment of the payment, of those that were paid for; null when none was. Stripe's moments are
	 * whole seconds, so that this is up to one too many.
	 */
	fromPayment: z.object({ count: z.number(), seconds: z.number() }).nullable(),
	/** Median seconds of each step, in order. */
	steps: z.array(z.object({ name: z.string(), seconds: z.number() }))
});
export type SetupSpeed = z.infer<typeof speedSchema>;

// Named anew when its shape changed: processes of two versions may share one cache.
const KEY = 'provisioning.setup-speed-2';
const DAYS = 30;
/** A median over a month moves no faster. */
const KEPT_SECONDS = 60;

/**
 * How long set-ups took lately, from our own runs, at most a minute ago; null when there were none.
 * @param tx also a customer's: the figures are everybody's
 */
export async function setupSpeed(tx: Tx): Promise<SetupSpeed | null> {
	const speed = await cached(KEY, KEPT_SECONDS, speedSchema.nullable(), () => readSpeed(tx));
	// That there is none yet costs nothing to find out, and the first shows at once.
	if (!speed) await forget(KEY);
	return speed;
}

async function readSpeed(tx: Tx): Promise<SetupSpeed | null> {
	const rows = await tx.$queryRaw<
		{ position: number | null; name: string; seconds: number | null; runs: bigint }[]
	>`SELECT * FROM setup_speed(${after(now(), -DAYS * DAY)}) ORDER BY position NULLS FIRST`;
	const [whole, ...steps] = rows;
	if (!whole?.seconds) return null;
	const [paid] = await tx.$queryRaw<{ seconds: number | null; runs: bigint }[]>`
		SELECT * FROM setup_speed_from_payment(${after(now(), -DAYS * DAY)})`;
	return {
		count: Number(whole.runs),
		seconds: whole.seconds,
		fromPayment: paid?.seconds ? { count: Number(paid.runs), seconds: paid.seconds } : null,
		steps: steps.map(({ name, seconds }) => ({ name, seconds: seconds ?? 0 }))
	};
}
