import { after, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { METRIC_MAX_AGE } from '../nodes/figures.server.ts';

/** What a container used at its last sample; null where that sample says nothing of it. */
export interface ContainerUse {
	/** 0–1 of its cores. */
	cpuFraction: number | null;
	ramMb: number | null;
	diskGb: number | null;
	at: Date;
}

/** The use of these containers by id; those whose last sample is too old have none. */
export async function lastUse(tx: Tx, ids: string[]): Promise<Map<string, ContainerUse>> {
	const since = after(now(), -METRIC_MAX_AGE);
	const rows = await tx.$queryRaw<(ContainerUse & { id: string })[]>`
		SELECT container.id, sample.cpu_fraction AS "cpuFraction", sample.ram_mb AS "ramMb",
			sample.disk_gb AS "diskGb", sample.recorded_at AS at
		FROM unnest(${ids}::uuid[]) AS container(id)
		CROSS JOIN LATERAL (
			SELECT * FROM resource_metrics WHERE container_id = container.id AND recorded_at > ${since}
			ORDER BY recorded_at DESC LIMIT 1) sample`;
	return new Map(rows.map(({ id, ...use }) => [id, use]));
}
