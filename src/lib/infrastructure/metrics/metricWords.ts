import { m } from '#i18n/paraglide/messages.js';
import type { Line } from '#lib/ui/chart.ts';
import {
	bytes,
	compact,
	dateTime,
	dayOfMonth,
	month,
	number,
	percent,
	timeOfDay
} from '#lib/ui/format.ts';
import type { MetricPoint, MetricRange } from './series.ts';

export type MetricName = 'cpu' | 'ram' | 'disk' | 'network' | 'latency' | 'tenants';

/** One chart: what it is called, how its values are read out of a point and written. */
export interface MetricKind {
	name: MetricName;
	title: string;
	/** The definition. */
	description: string;
	lines: Line[];
	/** How a table of fewer rows puts several values together. */
	merge: ('average' | 'most')[];
	values: (point: MetricPoint) => (number | null)[];
	format: (value: number) => string;
	axis: (value: number) => string;
	/** The smallest step of the axis. */
	least: number;
}

const average = (): Line => ({ label: m.metric_average(), tone: 'blue' });
const most = (): Line => ({ label: m.metric_most(), tone: 'amber', dashed: true });

/** Every chart that a node, container or tenant has. */
export function metricKinds(locale: string): MetricKind[] {
	const written = (gb: number) => bytes(gb * 1024 ** 3, locale);
	// One unit for the whole axis, so that its steps are round.
	const onAxis = (gb: number) => m.unit_gb({ count: number(gb, locale, 2) });
	const inGb = (mb: number | null) => (mb === null ? null : mb / 1024);
	const both: Pick<MetricKind, 'merge'> = { merge: ['average', 'most'] };
	const kinds: MetricKind[] = [
		{
			...{ name: 'cpu', title: m.unit_cpu(), description: m.metric_cpu_is(), ...both },
			lines: [average(), most()],
			values: ({ cpuAvg, cpuMax }) => [cpuAvg, cpuMax],
			format: (value) => percent(value, locale),
			axis: (value) => percent(value, locale, 1),
			least: 0.01
		},
		{
			...{ name: 'ram', title: m.unit_ram(), description: m.metric_ram_is(), ...both },
			lines: [average(), most()],
			values: ({ ramAvgMb, ramMaxMb }) => [inGb(ramAvgMb), inGb(ramMaxMb)],
			format: written,
			axis: onAxis,
			least: 0.1
		},
		{
			...{ name: 'disk', title: m.unit_disk(), description: m.metric_disk_is(), merge: ['most'] },
			lines: [{ label: m.metric_used(), tone: 'blue' }],
			values: ({ diskGb }) => [diskGb],
			format: written,
			axis: onAxis,
			least: 0.1
		},
		{
			...{ name: 'network', title: m.metric_network(), description: m.metric_network_is() },
			merge: ['average', 'average'],
			lines: [
				{ label: m.metric_network_in(), tone: 'blue' },
				{ label: m.metric_network_out(), tone: 'green', dashed: true }
			],
			values: ({ networkIn, networkOut }) => [networkIn, networkOut],
			format: (value) => m.metric_kb_per_second({ count: number(value, locale, 1) }),
			axis: (value) => m.metric_kb_per_second({ count: compact(value, locale) }),
			least: 1
		},
		{
			...{
				name: 'latency',
				title: m.metric_latency(),
				description: m.metric_latency_is(),
				...both
			},
			lines: [average(), most()],
			values: ({ latencyAvgMs, latencyMaxMs }) => [latencyAvgMs, latencyMaxMs],
			format: (value) => m.metric_ms({ count: number(value, locale) }),
			axis: (value) => m.metric_ms({ count: compact(value, locale) }),
			least: 10
		},
		{
			...{ name: 'tenants', title: m.metric_tenants(), description: m.metric_tenants_is() },
			merge: ['most'],
			lines: [{ label: m.metric_tenants(), tone: 'blue' }],
			values: ({ tenants }) => [tenants],
			format: (value) => number(value, locale),
			axis: (value) => number(value, locale),
			least: 1
		}
	];
	return kinds;
}

const RANGE_WORDS: Record<MetricRange, () => string> = {
	'24h': m.metric_range_day,
	'7d': m.metric_range_week,
	'30d': m.metric_range_month,
	'1y': m.metric_range_year
};

export function rangeLabel(range: MetricRange): string {
	return RANGE_WORDS[range]();
}

/** A moment under the chart and in its table. */
export function momentWords(
	at: Date,
	range: MetricRange,
	{ locale, timeZone }: { locale: string; timeZone: string }
): { label: string; short: string } {
	const short =
		range === '24h'
			? timeOfDay(at, timeZone)
			: range === '1y'
				? month(at, locale, 'UTC', true)
				: dayOfMonth(at, locale, timeZone);
	// Days are those of UTC: the hour at which one begins elsewhere says nothing.
	const label = range === '1y' ? dayOfMonth(at, locale, 'UTC') : dateTime(at, locale, timeZone);
	return { label, short };
}
