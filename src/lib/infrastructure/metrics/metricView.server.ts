import { z } from 'zod';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';
import { METRIC_MAX_AGE } from '../nodes/figures.server.ts';
import { latestSample, metricSeries, type Subject } from './series.server.ts';

const figure = z.number().nullable();

/** What a node, container or tenant uses and used, in the API. */
export const metricsSchema = z.object({
	/** Null: nothing was measured in the last 15 minutes. */
	current: z
		.object({
			at: z.date(),
			/** 0-1 of the cores. */
			cpu_fraction: figure,
			ram_mb: figure,
			disk_gb: figure,
			/** Of answers through the edge, since the sample before. */
			latency_ms: figure,
			tenants: z.number().int().nullable()
		})
		.nullable(),
	from: z.date(),
	to: z.date(),
	/** Raw values for up to two days, hours for up to sixty, days for more. */
	resolution: z.enum(['raw', 'hourly', 'daily']),
	/** Seconds of each point; one of which nothing is known has null values. */
	step_seconds: z.number().int(),
	points: z.array(
		z.object({
			at: z.date(),
			cpu_avg: figure,
			cpu_max: figure,
			ram_avg_mb: figure,
			ram_max_mb: figure,
			disk_gb: figure,
			network_in_kb_per_second: figure,
			network_out_kb_per_second: figure,
			latency_avg_ms: figure,
			latency_max_ms: figure,
			tenants: z.number().int().nullable()
		})
	)
});

const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** The last day when nothing is said; a range without an end goes on until now, one without a beginning is a day long. */
export const metricsQuery = z
	.object({ from: moment.optional(), to: moment.optional() })
	.transform(({ from, to = now() }) => ({ from: from ?? after(to, -DAY), to }))
	.refine(({ from, to }) => from < to && to.getTime() - from.getTime() <= 5 * 366 * DAY, {
		path: ['from'],
		error: () => m.metric_range_wrong()
	});

/** Of a node or container that there is. @throws {AppError} NOT_FOUND */
export async function machineMetrics(
	tx: Tx,
	{ kind, id }: { kind: 'node' | 'container'; id: string },
	range: z.output<typeof metricsQuery>
): Promise<z.input<typeof metricsSchema>> {
	const where = { where: { id }, select: { id: true } };
	const found =
		kind === 'node' ? await tx.node.findUnique(where) : await tx.container.findUnique(where);
	if (!found) throw new AppError('NOT_FOUND');
	return metricsView(tx, { kind, id }, range);
}

export async function metricsView(
	tx: Tx,
	subject: Subject,
	range: z.output<typeof metricsQuery>
): Promise<z.input<typeof metricsSchema>> {
	const current = await latestSample(tx, subject, METRIC_MAX_AGE);
	const { from, to, resolution, stepMs, points } = await metricSeries(tx, subject, range);
	return {
		current: current && {
			at: current.at,
			cpu_fraction: current.cpuFraction,
			ram_mb: current.ramMb,
			disk_gb: current.diskGb,
			latency_ms: current.latencyMs,
			tenants: current.tenants
		},
		...{ from, to, resolution, step_seconds: stepMs / 1_000 },
		points: points.map((point) => ({
			at: point.at,
			cpu_avg: point.cpuAvg,
			cpu_max: point.cpuMax,
			ram_avg_mb: point.ramAvgMb,
			ram_max_mb: point.ramMaxMb,
			disk_gb: point.diskGb,
			network_in_kb_per_second: point.networkIn,
			network_out_kb_per_second: point.networkOut,
			latency_avg_ms: point.latencyAvgMs,
			latency_max_ms: point.latencyMaxMs,
			tenants: point.tenants
		}))
	};
}
