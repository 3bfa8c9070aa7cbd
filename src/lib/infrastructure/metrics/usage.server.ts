import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { METRIC_MAX_AGE } from '../nodes/figures.server.ts';

/** One hour of a container's use; null where nothing was measured. */
export interface UsageHour {
	at: Date;
	/** 0–1 of its cores. */
	cpuFraction: number | null;
	ramMb: number | null;
	diskGb: number | null;
}

/** What a container used in the last day by the hour, and its latest sample with how fresh that is. */
export async function containerUsage(tx: Tx, containerId: string) {
	const since = after(now(), -DAY);
	const hours = await tx.$queryRaw<UsageHour[]>`
		SELECT date_trunc('hour', recorded_at) AS at, avg(cpu_fraction)::float8 AS "cpuFraction",
			avg(ram_mb)::float8 AS "ramMb", avg(disk_gb)::float8 AS "diskGb"
		FROM resource_metrics WHERE container_id = ${containerId}::uuid AND recorded_at > ${since}
		GROUP BY 1 ORDER BY 1`;
	const latest = await tx.resourceMetric.findFirst({
		where: { containerId, recordedAt: { gt: since } },
		orderBy: { recordedAt: 'desc' },
		select: { recordedAt: true, cpuFraction: true, ramMb: true, diskGb: true }
	});
	const isFresh = latest !== null && latest.recordedAt > after(now(), -METRIC_MAX_AGE);
	return { hours, latest, isFresh };
}
