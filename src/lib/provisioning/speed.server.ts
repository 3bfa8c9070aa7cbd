import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';

export interface SetupSpeed {
	/** Set-ups that these figures are made of. */
	count: number;
	/** Median seconds from payment to an instance that answers. */
	seconds: number;
	/** Median seconds of each step, in order. */
	steps: { name: string; seconds: number }[];
}

const DAYS = 30;

/** How long set-ups took lately, from our own runs; null when there were none. */
export async function setupSpeed(tx: Tx): Promise<SetupSpeed | null> {
	const since = after(now(), -DAYS * DAY);
	const [total] = await tx.$queryRaw<{ count: bigint; seconds: number | null }[]>`
		SELECT count(*) AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at))::float8 AS seconds
		FROM provisioning_jobs WHERE saga = 'tenants.create' AND status = 'succeeded' AND finished_at > ${since}`;
	if (!total?.seconds) return null;
	const steps = await tx.$queryRaw<{ name: string; seconds: number }[]>`
		SELECT step.name, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM step.finished_at - step.started_at))::float8 AS seconds
		FROM provisioning_steps step JOIN provisioning_jobs run ON run.id = step.job_id
		WHERE run.saga = 'tenants.create' AND run.status = 'succeeded' AND run.finished_at > ${since}
			AND step.status = 'done' AND step.started_at IS NOT NULL
		GROUP BY step.name, step.position ORDER BY step.position`;
	return { count: Number(total.count), seconds: total.seconds, steps };
}
