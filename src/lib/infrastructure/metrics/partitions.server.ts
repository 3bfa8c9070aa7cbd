import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { rollUp } from './rollups.server.ts';

/** Days that raw values, hours and days are kept. */
export const KEPT = { raw: 30, hourly: 400, daily: 5 * 366 } as const;

/** One partition a day, made a day ahead. */
export async function makeDayPartitions(at: Date): Promise<void> {
	for (const day of [at, after(at, DAY)]) {
		try {
			await db.$executeRaw`SELECT ensure_metric_partition(${day.toISOString().slice(0, 10)}::date)`;
		} catch (error) {
			// Values of that day are in the default partition already, where they stay.
			log.warn({ err: error }, 'no partition for the metrics of a day');
		}
	}
}

/**
 * Drops what is older than it is kept: raw values by day, roll-ups by month. Raw values go only when all of them are in
 * the roll-ups.
 * @returns names of the partitions that were dropped
 * @throws what the roll-up throws; then nothing was dropped
 */
export async function pruneMetrics(): Promise<string[]> {
	await rollUp();
	const at = now();
	const dropped = [
		...(await dropBefore('resource_metrics', after(at, -KEPT.raw * DAY), 8)),
		...(await dropBefore('resource_metrics_hourly', after(at, -KEPT.hourly * DAY), 6)),
		...(await dropBefore('resource_metrics_daily', after(at, -KEPT.daily * DAY), 6))
	];
	// Of what was removed; a container that is still there is counted every few minutes.
	await db.metricCounter.deleteMany({ where: { at: { lt: after(at, -DAY) } } });
	return dropped;
}

const DEFAULTS = {
	resource_metrics: 'recorded_at',
	resource_metrics_hourly: 'at',
	resource_metrics_daily: 'at'
} as const;

/** @param digits of the day (8) or month (6) at the end of a partition's name */
async function dropBefore(
	table: keyof typeof DEFAULTS,
	limit: Date,
	digits: 6 | 8
): Promise<string[]> {
	// The day or month that the limit lies in is kept whole.
	const oldest = `${table}_${limit.toISOString().slice(0, 10).replaceAll('-', '').slice(0, digits)}`;
	const rows = await db.$queryRaw<{ name: string }[]>`
		SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
		WHERE inhparent = ${table}::regclass AND relname ~ ${`^${table}_[0-9]{${digits}}$`} AND relname < ${oldest}
		ORDER BY 1`;
	for (const { name } of rows) await db.$executeRawUnsafe(`DROP TABLE "${name}"`);
	await db.$executeRawUnsafe(
		`DELETE FROM "${table}_default" WHERE "${DEFAULTS[table]}" < $1::timestamptz`,
		limit.toISOString()
	);
	return rows.map(({ name }) => name);
}
