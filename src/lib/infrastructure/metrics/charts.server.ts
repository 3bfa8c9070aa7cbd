import { after, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { csvHeader, csvRow, type CsvColumn } from '#lib/ui/csv.ts';
import { csvResponse } from '#lib/ui/csv-response.ts';
import { isRange, type MetricPoint, type MetricRange, RANGES } from './series.ts';
import { metricSeries, type Subject } from './series.server.ts';

/** What `MetricCharts` shows. */
export interface MetricCharts {
	range: MetricRange;
	stepMs: number;
	points: MetricPoint[];
	/** The same range as a file. */
	csvHref: string;
}

/**
 * The charts of a node, container or tenant, of the range that the URL names (`?range=7d`), a day otherwise.
 * @param csvPath page whose file is of the same subject
 */
export async function metricCharts(
	tx: Tx,
	url: URL,
	subject: Subject,
	csvPath: string
): Promise<MetricCharts> {
	const range = rangeOf(url);
	const to = now();
	const { stepMs, points } = await metricSeries(tx, subject, {
		from: after(to, -RANGES[range]),
		to
	});
	const csvHref = `${csvPath}${csvPath.includes('?') ? '&' : '?'}range=${range}`;
	return { range, stepMs, points, csvHref };
}

function rangeOf(url: URL): MetricRange {
	const asked = url.searchParams.get('range');
	return isRange(asked) ? asked : '24h';
}

/** The points of the range that the URL names, a row each. @param name of the file, without its end */
export async function metricsCsv(
	tx: Tx,
	url: URL,
	subject: Subject,
	name: string
): Promise<Response> {
	const { range, points } = await metricCharts(tx, url, subject, '');
	const columns: CsvColumn<MetricPoint>[] = [
		{ label: m.metric_at(), value: ({ at }) => at },
		{ label: m.metric_csv_cpu_avg(), value: ({ cpuAvg }) => cpuAvg },
		{ label: m.metric_csv_cpu_max(), value: ({ cpuMax }) => cpuMax },
		{ label: m.metric_csv_ram_avg(), value: ({ ramAvgMb }) => ramAvgMb },
		{ label: m.metric_csv_ram_max(), value: ({ ramMaxMb }) => ramMaxMb },
		{ label: m.metric_csv_disk(), value: ({ diskGb }) => diskGb },
		{ label: m.metric_csv_network_in(), value: ({ networkIn }) => networkIn },
		{ label: m.metric_csv_network_out(), value: ({ networkOut }) => networkOut },
		{ label: m.metric_csv_latency_avg(), value: ({ latencyAvgMs }) => latencyAvgMs },
		{ label: m.metric_csv_latency_max(), value: ({ latencyMaxMs }) => latencyMaxMs },
		{ label: m.metric_tenants(), value: ({ tenants }) => tenants }
	];
	return csvResponse(`${name}-${range}.csv`, csvHeader(columns), async () => ({
		text: points.map((point) => csvRow(columns, point)).join(''),
		next: null
	}));
}
