import { after, DAY, HOUR, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';

/** Hours that are summed again each time, because a worker may have written late. */
const AGAIN = 3;

/**
 * Sums the hours that are over, and their days up to now, in UTC. Begins where the last run ended, however long that is
 * ago, or a few hours before. Running it again changes nothing.
 * @returns the first moment that is not in the hours yet
 */
export async function rollUp(): Promise<Date> {
	const at = now();
	const until = floor(at, HOUR);
	const summed = await lastHour(at);
	const again = after(until, -AGAIN * HOUR);
	const from = summed === null ? floor(await oldestValue(again), DAY) : earlier(summed, again);
	await makeMonthPartitions(from, at);
	// A day at a time, so that no statement is longer than the others after a week without a worker.
	for (let start = from; start < until;) {
		const end = earlier(after(floor(start, DAY), DAY), until);
		await sumHours(start, end);
		await sumDay(floor(start, DAY));
		start = end;
	}
	return until;
}

/** Where nothing was summed yet, all that there is. */
async function oldestValue(otherwise: Date): Promise<Date> {
	const { _min } = await db.resourceMetric.aggregate({ _min: { recordedAt: true } });
	return _min.recordedAt ?? otherwise;
}

/** The last hour that any node has, or, without nodes, anything in two days; all hours before it were summed, too. */
async function lastHour(at: Date): Promise<Date | null> {
	const [row] = await db.$queryRaw<{ at: Date | null }[]>`
		SELECT max(last.at) AS at FROM proxmox_nodes node CROSS JOIN LATERAL (
			SELECT at FROM resource_metrics_hourly WHERE subject_id = node.id ORDER BY at DESC LIMIT 1
		) last`;
	if (row?.at) return row.at;
	const { _max } = await db.metricHour.aggregate({
		where: { at: { gte: after(at, -2 * DAY) } },
		_max: { at: true }
	});
	return _max.at;
}

/** A dedicated container's values are its tenant's, too; only a tenant's belong to a customer. */
async function sumHours(from: Date, to: Date): Promise<void> {
	await db.$executeRaw`
		INSERT INTO resource_metrics_hourly AS kept (subject_id, at, customer_id, samples, cpu_avg, cpu_max, ram_avg_mb, ram_max_mb,
			disk_max_gb, network_in_kb, network_out_kb, latency_avg_ms, latency_max_ms, tenants_max)
		SELECT subject.id, date_trunc('hour', recorded_at, 'UTC'), max(subject.customer::text)::uuid, count(*),
			avg(cpu_fraction), max(cpu_fraction), avg(ram_mb), max(ram_mb), max(disk_gb), sum(network_in_kb),
			sum(network_out_kb), avg(latency_ms), max(latency_ms), max(tenants)
		FROM resource_metrics
		CROSS JOIN LATERAL (VALUES (node_id, NULL::uuid), (container_id, NULL), (tenant_id, customer_id)) subject (id, customer)
		WHERE recorded_at >= ${from} AND recorded_at < ${to} AND subject.id IS NOT NULL
		GROUP BY 1, 2
		ON CONFLICT (subject_id, at) DO UPDATE SET customer_id = EXCLUDED.customer_id, samples = EXCLUDED.samples,
			cpu_avg = EXCLUDED.cpu_avg, cpu_max = EXCLUDED.cpu_max, ram_avg_mb = EXCLUDED.ram_avg_mb,
			ram_max_mb = EXCLUDED.ram_max_mb, disk_max_gb = EXCLUDED.disk_max_gb, network_in_kb = EXCLUDED.network_in_kb,
			network_out_kb = EXCLUDED.network_out_kb, latency_avg_ms = EXCLUDED.latency_avg_ms,
			latency_max_ms = EXCLUDED.latency_max_ms, tenants_max = EXCLUDED.tenants_max
		WHERE kept.samples <> EXCLUDED.samples`;
}

/** Averages weigh each hour by its samples. */
async function sumDay(day: Date): Promise<void> {
	await db.$executeRaw`
		INSERT INTO resource_metrics_daily AS kept (subject_id, at, customer_id, samples, cpu_avg, cpu_max, ram_avg_mb, ram_max_mb,
			disk_max_gb, network_in_kb, network_out_kb, latency_avg_ms, latency_max_ms, tenants_max)
		SELECT subject_id, ${day}::timestamptz, max(customer_id::text)::uuid, sum(samples),
			sum(cpu_avg * samples) / nullif(sum(samples) FILTER (WHERE cpu_avg IS NOT NULL), 0), max(cpu_max),
			sum(ram_avg_mb * samples) / nullif(sum(samples) FILTER (WHERE ram_avg_mb IS NOT NULL), 0), max(ram_max_mb),
			max(disk_max_gb), sum(network_in_kb), sum(network_out_kb),
			sum(latency_avg_ms * samples) / nullif(sum(samples) FILTER (WHERE latency_avg_ms IS NOT NULL), 0),
			max(latency_max_ms), max(tenants_max)
		FROM resource_metrics_hourly
		WHERE at >= ${day} AND at < ${after(day, DAY)}
		GROUP BY subject_id
		ON CONFLICT (subject_id, at) DO UPDATE SET customer_id = EXCLUDED.customer_id, samples = EXCLUDED.samples,
			cpu_avg = EXCLUDED.cpu_avg, cpu_max = EXCLUDED.cpu_max, ram_avg_mb = EXCLUDED.ram_avg_mb,
			ram_max_mb = EXCLUDED.ram_max_mb, disk_max_gb = EXCLUDED.disk_max_gb, network_in_kb = EXCLUDED.network_in_kb,
			network_out_kb = EXCLUDED.network_out_kb, latency_avg_ms = EXCLUDED.latency_avg_ms,
			latency_max_ms = EXCLUDED.latency_max_ms, tenants_max = EXCLUDED.tenants_max
		WHERE kept.samples <> EXCLUDED.samples`;
}

async function makeMonthPartitions(from: Date, at: Date): Promise<void> {
	const next = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));
	const first = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), 1));
	for (let month = first; month <= next;) {
		try {
			await db.$executeRaw`SELECT ensure_rollup_partitions(${month.toISOString().slice(0, 10)}::date)`;
		} catch (error) {
			// Its rows are in the default partition already, where they stay.
			log.warn({ err: error }, 'no partition for the metrics of a month');
		}
		month = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1));
	}
}

/** The first moment of the hour or day (UTC: every one of them is as long as the others). */
function floor(at: Date, unit: number): Date {
	return new Date(Math.floor(at.getTime() / unit) * unit);
}

function earlier(one: Date, other: Date): Date {
	return one < other ? one : other;
}
