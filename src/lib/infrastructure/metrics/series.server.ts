import { after, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { METRIC_MAX_AGE } from '../nodes/figures.server.ts';
import { filled, resolutionOf, type MetricPoint, type MetricSeries } from './series.ts';

export interface Subject {
	kind: 'node' | 'container' | 'tenant';
	id: string;
}

const COLUMNS: Record<Subject['kind'], Prisma.Sql> = {
	node: Prisma.sql`node_id`,
	container: Prisma.sql`container_id`,
	tenant: Prisma.sql`tenant_id`
};

/**
 * What a node, container or tenant used in a range, in one query: of raw values, hours or days as the range is long.
 * Works for a customer, too, of whose instances alone the rows are seen.
 */
export async function metricSeries(
	tx: Tx,
	subject: Subject,
	{ from, to }: { from: Date; to: Date }
): Promise<MetricSeries> {
	const minutes = await setting('infrastructure.metrics_minutes');
	const { resolution, stepMs } = resolutionOf({ from, to, now: now() }, minutes);
	const first = new Date(Math.floor(from.getTime() / stepMs) * stepMs);
	const span = { first, to, seconds: stepMs / 1_000 };
	const rows =
		resolution === 'raw'
			? await rawRows(tx, subject, span)
			: await summed(tx, subject, span, resolution);
	return { from, to, resolution, stepMs, points: filled(rows.map(rounded), { from, to }, stepMs) };
}

interface Span {
	first: Date;
	to: Date;
	/** Of each point. */
	seconds: number;
}

function rawRows(tx: Tx, { kind, id }: Subject, { first, to, seconds }: Span) {
	return tx.$queryRaw<MetricPoint[]>`
		SELECT date_bin(make_interval(secs => ${seconds}), recorded_at, 'epoch') AS at,
			avg(cpu_fraction) AS "cpuAvg", max(cpu_fraction) AS "cpuMax", avg(ram_mb)::float8 AS "ramAvgMb",
			max(ram_mb) AS "ramMaxMb", max(disk_gb) AS "diskGb", sum(network_in_kb) / ${seconds}::float8 AS "networkIn",
			sum(network_out_kb) / ${seconds}::float8 AS "networkOut", avg(latency_ms)::float8 AS "latencyAvgMs",
			max(latency_ms) AS "latencyMaxMs", max(tenants) AS tenants
		FROM resource_metrics
		WHERE ${COLUMNS[kind]} = ${id}::uuid AND recorded_at >= ${first} AND recorded_at < ${to}
		GROUP BY 1`;
}

/** Averages weigh each row by its samples. */
function summed(
	tx: Tx,
	{ id }: Subject,
	{ first, to, seconds }: Span,
	resolution: 'hourly' | 'daily'
) {
	const table = Prisma.raw(`resource_metrics_${resolution}`);
	const weighed = (column: string) =>
		Prisma.raw(
			`sum(${column} * samples) / nullif(sum(samples) FILTER (WHERE ${column} IS NOT NULL), 0)`
		);
	return tx.$queryRaw<MetricPoint[]>`
		SELECT date_bin(make_interval(secs => ${seconds}), at, 'epoch') AS at,
			${weighed('cpu_avg')} AS "cpuAvg", max(cpu_max) AS "cpuMax", ${weighed('ram_avg_mb')} AS "ramAvgMb",
			max(ram_max_mb) AS "ramMaxMb", max(disk_max_gb) AS "diskGb", sum(network_in_kb) / ${seconds}::float8 AS "networkIn",
			sum(network_out_kb) / ${seconds}::float8 AS "networkOut", ${weighed('latency_avg_ms')} AS "latencyAvgMs",
			max(latency_max_ms) AS "latencyMaxMs", max(tenants_max) AS tenants
		FROM ${table}
		WHERE subject_id = ${id}::uuid AND at >= ${first} AND at < ${to}
		GROUP BY 1`;
}

/** As exact as anybody reads it: hundreds of points go to the page. */
function rounded(point: MetricPoint): MetricPoint {
	const to = (digits: number, value: number | null) =>
		value === null ? null : Number(value.toFixed(digits));
	return {
		at: point.at,
		cpuAvg: to(4, point.cpuAvg),
		cpuMax: to(4, point.cpuMax),
		ramAvgMb: to(0, point.ramAvgMb),
		ramMaxMb: point.ramMaxMb,
		diskGb: to(2, point.diskGb),
		networkIn: to(2, point.networkIn),
		networkOut: to(2, point.networkOut),
		latencyAvgMs: to(0, point.latencyAvgMs),
		latencyMaxMs: point.latencyMaxMs,
		tenants: point.tenants
	};
}

/** The last values that were stored, and whether they still say how it is. */
export interface LatestSample {
	at: Date;
	/** Not older than a quarter of an hour. */
	isFresh: boolean;
	cpuFraction: number | null;
	ramMb: number | null;
	diskGb: number | null;
	latencyMs: number | null;
	tenants: number | null;
}

/** @param maxAgeMs older ones are not found */
export async function latestSample(
	tx: Tx,
	{ kind, id }: Subject,
	maxAgeMs: number
): Promise<LatestSample | null> {
	const at = now();
	const recordedAt = { gt: after(at, -maxAgeMs) };
	const found = await tx.resourceMetric.findFirst({
		where: {
			node: { nodeId: id, recordedAt },
			container: { containerId: id, recordedAt },
			tenant: { tenantId: id, recordedAt }
		}[kind],
		orderBy: { recordedAt: 'desc' },
		select: {
			...{ recordedAt: true, cpuFraction: true, ramMb: true, diskGb: true },
			...{ latencyMs: true, tenants: true }
		}
	});
	if (!found) return null;
	const { recordedAt: sampledAt, ...values } = found;
	return { at: sampledAt, isFresh: sampledAt > after(at, -METRIC_MAX_AGE), ...values };
}
