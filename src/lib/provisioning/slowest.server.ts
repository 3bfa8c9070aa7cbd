import { z } from 'zod';
import { cached } from '#lib/core/cache.server.ts';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';

const slowestSchema = z.object({
	/** Set-ups that the figure is made of. */
	count: z.number(),
	/** Nineteen of twenty took no longer; null when there were none. */
	seconds: z.number().nullable()
});
export type SlowestSetups = z.infer<typeof slowestSchema>;

const DAYS = 30;
const KEPT_SECONDS = 60;

/**
 * How long the slow ones of the set-ups of the last month took, from order to an instance that answers: what may be
 * promised, where the median is only what is usual. At most a minute old.
 * @param tx the owner's: a customer sees its own runs alone
 */
export function slowestSetups(tx: Tx): Promise<SlowestSetups> {
	return cached('provisioning.slowest-setups', KEPT_SECONDS, slowestSchema, async () => {
		const [row] = await tx.$queryRaw<{ runs: bigint; seconds: number | null }[]>`
			SELECT count(*) AS runs,
				percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at))::float8 AS seconds
			FROM provisioning_jobs
			WHERE saga = 'tenants.create' AND status = 'succeeded' AND finished_at > ${after(now(), -DAYS * DAY)}`;
		return { count: Number(row!.runs), seconds: row!.seconds };
	});
}
