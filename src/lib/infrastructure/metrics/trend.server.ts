import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';

/** Days until each is full if it goes on as in the last two weeks; null where that is not known, or will not be. */
export interface UntilFull {
	/** The storage that containers lie on. */
	disk: number | null;
	ram: number | null;
}

/** What the trend is drawn from. */
const LOOK_BACK = 14 * DAY;
/** Less than this says nothing. */
const LEAST_DAYS = 3;
/** Further away is as good as never. */
const FARTHEST_DAYS = 3_650;
/** A trend whose last value is older than this is one of the past. */
const FRESH = DAY;

/** Of every node, by its id. One query; nodes of which nothing is known are in it, too. */
export function daysUntilFull(tx: Tx): Promise<Map<string, UntilFull>> {
	return untilFull(
		tx,
		Prisma.sql`SELECT id, disk_total_gb AS disk, ram_total_mb AS ram FROM proxmox_nodes WHERE removed_at IS NULL`,
		'hourly'
	);
}

/** The same of every container that runs, by its id, against its own limits. */
export function containersUntilFull(tx: Tx): Promise<Map<string, UntilFull>> {
	return untilFull(
		tx,
		Prisma.sql`SELECT id, disk_gb AS disk, ram_mb AS ram FROM lxc_containers WHERE status = 'running' AND purpose <> 'template'`,
		'daily'
	);
}

/**
 * A straight line through what was used (least squares), from its height now, or from the last value where that is
 * higher, to the capacity.
 */
async function untilFull(
	tx: Tx,
	capacities: Prisma.Sql,
	resolution: 'hourly' | 'daily'
): Promise<Map<string, UntilFull>> {
	const at = now();
	const days = Prisma.sql`extract(epoch FROM used.at - ${at}::timestamptz)::float8 / 86400`;
	const rows = await tx.$queryRaw<{ id: string; disk: number | null; ram: number | null }[]>`
		WITH capacity AS (${capacities}),
		trend AS (
			SELECT subject_id, max(at) AS last, ${spanOf('disk_max_gb')} AS disk_span, ${spanOf('ram_avg_mb')} AS ram_span,
				regr_slope(disk_max_gb, ${days}) AS disk_slope, regr_slope(ram_avg_mb, ${days}) AS ram_slope,
				greatest(regr_intercept(disk_max_gb, ${days}),
					(array_agg(disk_max_gb ORDER BY at DESC) FILTER (WHERE disk_max_gb IS NOT NULL))[1]) AS disk_now,
				greatest(regr_intercept(ram_avg_mb, ${days}),
					(array_agg(ram_avg_mb ORDER BY at DESC) FILTER (WHERE ram_avg_mb IS NOT NULL))[1]) AS ram_now
			FROM ${Prisma.raw(`resource_metrics_${resolution}`)} used
			WHERE at > ${after(at, -LOOK_BACK)} AND subject_id IN (SELECT id FROM capacity)
			GROUP BY subject_id
		)
		SELECT capacity.id, ${left('disk', at)} AS disk, ${left('ram', at)} AS ram
		FROM capacity LEFT JOIN trend ON trend.subject_id = capacity.id`;
	return new Map(rows.map(({ id, disk, ram }) => [id, { disk, ram }]));
}

function spanOf(column: string): Prisma.Sql {
	const known = `FILTER (WHERE ${column} IS NOT NULL)`;
	return Prisma.raw(`max(at) ${known} - min(at) ${known}`);
}

function left(resource: 'disk' | 'ram', at: Date): Prisma.Sql {
	const of = (name: string) => Prisma.raw(`trend.${resource}_${name}`);
	const capacity = Prisma.raw(`capacity.${resource}`);
	// Less than a ten-thousandth of the whole in a day is no growth: the rounding of a figure is more.
	return Prisma.sql`CASE
		WHEN trend.last < ${after(at, -FRESH - DAY)} OR ${of('span')} < make_interval(days => ${LEAST_DAYS}) THEN NULL
		WHEN ${of('now')} >= ${capacity} THEN 0
		WHEN ${of('slope')} <= ${capacity} / 10000.0 THEN NULL
		WHEN (${capacity} - ${of('now')}) / ${of('slope')} > ${FARTHEST_DAYS}::int THEN NULL
		ELSE (${capacity} - ${of('now')}) / ${of('slope')}
	END`;
}
