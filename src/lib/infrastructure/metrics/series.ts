const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What the charts' switch offers. */
export const RANGES = { '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY, '1y': 366 * DAY } as const;
export type MetricRange = keyof typeof RANGES;

export function isRange(name: string | null): name is MetricRange {
	return name !== null && Object.hasOwn(RANGES, name);
}

/** Raw values, or what they were summed to. */
export type Resolution = 'raw' | 'hourly' | 'daily';

/** One span of a chart; null where nothing was measured. */
export interface MetricPoint {
	/** Its first moment. */
	at: Date;
	/** 0–1 of the subject's cores. */
	cpuAvg: number | null;
	cpuMax: number | null;
	ramAvgMb: number | null;
	ramMaxMb: number | null;
	/** The most. */
	diskGb: number | null;
	/** Kilobytes a second. */
	networkIn: number | null;
	networkOut: number | null;
	/** Of Odoo's answers through the edge. */
	latencyAvgMs: number | null;
	latencyMaxMs: number | null;
	/** Instances in it. */
	tenants: number | null;
}

export interface MetricSeries {
	from: Date;
	to: Date;
	resolution: Resolution;
	/** Of each point. */
	stepMs: number;
	points: MetricPoint[];
}

/** Points of a chart at most. */
const POINTS = 500;
const MOST: Record<Resolution, number> = { raw: 2 * DAY, hourly: 60 * DAY, daily: Infinity };
/** How long ago the first moment may be; a day less than rows are kept, so that none of them is half there. */
const REACH: Record<Resolution, number> = { raw: 29 * DAY, hourly: 399 * DAY, daily: Infinity };
const STEPS: Record<Resolution, number[]> = {
	raw: [5, 10, 15, 30].map((minutes) => minutes * MINUTE),
	hourly: [1, 2, 3, 4, 6, 12].map((hours) => hours * HOUR),
	daily: [1, 2, 7, 14, 28].map((days) => days * DAY)
};

/**
 * What a range is drawn from: the finest that is still kept and has no more points than a screen.
 * @param sampleMinutes between two samples: a finer step would be full of holes
 */
export function resolutionOf(
	range: { from: Date; to: Date; now: Date },
	sampleMinutes: number
): { resolution: Resolution; stepMs: number } {
	const length = range.to.getTime() - range.from.getTime();
	const age = range.now.getTime() - range.from.getTime();
	const finest = (['raw', 'hourly'] as const).find(
		(one) => length <= MOST[one] && age <= REACH[one]
	);
	const resolution = finest ?? 'daily';
	const least = resolution === 'raw' ? sampleMinutes * MINUTE : 0;
	const steps = STEPS[resolution];
	const stepMs = steps.find((step) => step >= least && length / step <= POINTS) ?? steps.at(-1)!;
	return { resolution, stepMs };
}

/** Spans in the order of time, those that nothing is known of as well: a gap is shown as a gap. */
export function filled(
	rows: MetricPoint[],
	{ from, to }: { from: Date; to: Date },
	stepMs: number
): MetricPoint[] {
	const known = new Map(rows.map((row) => [row.at.getTime(), row]));
	const points: MetricPoint[] = [];
	for (let at = Math.floor(from.getTime() / stepMs) * stepMs; at < to.getTime(); at += stepMs)
		points.push(known.get(at) ?? unknownAt(new Date(at)));
	return points;
}

function unknownAt(at: Date): MetricPoint {
	return {
		...{ at, cpuAvg: null, cpuMax: null, ramAvgMb: null, ramMaxMb: null, diskGb: null },
		...{ networkIn: null, networkOut: null, latencyAvgMs: null, latencyMaxMs: null, tenants: null }
	};
}

/**
 * The same in fewer rows, for a table that people read: averages of averages, the most of the most.
 * @param rows at most so many
 */
export function coarser<Point extends { at: Date; values: (number | null)[] }>(
	points: Point[],
	rows: number,
	merge: ('average' | 'most')[]
): { at: Date; values: (number | null)[] }[] {
	const size = Math.max(1, Math.ceil(points.length / rows));
	const merged: { at: Date; values: (number | null)[] }[] = [];
	for (let first = 0; first < points.length; first += size) {
		const part = points.slice(first, first + size);
		merged.push({
			at: part[0]!.at,
			values: merge.map((how, index) => {
				const known = part.flatMap(({ values }) => values[index] ?? []);
				if (known.length === 0) return null;
				if (how === 'most') return Math.max(...known);
				return known.reduce((sum, value) => sum + value, 0) / known.length;
			})
		});
	}
	return merged;
}
