/** A part of each bar. `hatched` tells it apart without colour. */
export type Series = { label: string; tone: ChartTone; hatched?: boolean };

export type ChartTone = 'blue' | 'green' | 'amber' | 'red' | 'grey';

/** One bar: a value for each series; those below 0 hang from the axis. */
export type Bar = {
	key: string;
	/** "noviembre de 2026". */
	label: string;
	/** "nov", under the bar. */
	short: string;
	values: number[];
	/** Where its rows are. */
	href?: string;
};

export const chartFill: Record<ChartTone, string> = {
	blue: 'fill-chart-blue',
	green: 'fill-chart-green',
	amber: 'fill-chart-amber',
	red: 'fill-chart-red',
	grey: 'fill-chart-grey'
};

export const chartStroke: Record<ChartTone, string> = {
	blue: 'stroke-chart-blue',
	green: 'stroke-chart-green',
	amber: 'stroke-chart-amber',
	red: 'stroke-chart-red',
	grey: 'stroke-chart-grey'
};

/** A line over time. `dashed` tells it apart without colour. */
export type Line = { label: string; tone: ChartTone; dashed?: boolean };

/** What the lines have at one time, in their order; null: nobody knows. */
export type Moment = {
	key: string;
	/** "1 nov 2026, 14:05". */
	label: string;
	/** "14:05", under the lines. */
	short: string;
	values: (number | null)[];
};

/** 1, 2 or 5 times a power of ten, at least `least`, so that an axis reads easily. */
export function niceStep(rough: number, least = 1): number {
	const unit = 10 ** Math.floor(Math.log10(Math.max(rough, least)));
	return ([1, 2, 5].find((factor) => factor * unit >= rough) ?? 10) * unit;
}

/** Where the lines of an axis stand: round steps from below the lowest value to above the highest, 0 among them. */
export function axisTicks(low: number, high: number, least = 1): number[] {
	const step = niceStep((high - low) / 4, least);
	const first = Math.floor(Math.min(0, low) / step);
	const last = Math.max(1, Math.ceil(Math.max(0, high) / step));
	return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}
