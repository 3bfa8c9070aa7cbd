import type { Tx } from '#lib/core/db.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import type { AlertMetricFacts } from './metricWords.ts';

/** What is known of one thing that a metric looks at. */
export interface AlertReading {
	subjectId: string;
	/** What people call it. */
	name: string;
	/** In the metric's unit, newest first; null: nothing is known that is fresh. */
	values: number[] | null;
	/** Facts for the alert's sentence beside name and value. */
	data?: Prisma.InputJsonObject;
	/** Days until what is measured is full, going on as it has; null or absent: no such trend. */
	daysLeft?: number | null;
}

export interface AlertMetric extends AlertMetricFacts {
	/**
	 * One query for all its subjects, however many there are. Every living subject has a row: who is missing is gone, and
	 * an alert about it closes.
	 * @param samples values of each that are wanted; a metric without history gives one
	 */
	read: (tx: Tx, wanted: { samples: number }) => Promise<AlertReading[]>;
}

const metrics = new Map<string, AlertMetric>();

/** Says what can be watched. Areas do so in their `alertMetrics.server.ts`, which src/lib/jobs/registry.server.ts imports. */
export function defineAlertMetric(metric: AlertMetric): void {
	metrics.set(metric.name, metric);
}

/** Null: no area of this process knows it, or the rule has none. */
export function alertMetric(name: string | null): AlertMetric | null {
	return metrics.get(name ?? '') ?? null;
}

/** What can be watched, without the way to read it. */
export function alertMetricFacts(): AlertMetricFacts[] {
	return [...metrics.values()]
		.map(({ name, unit, subjectType, worse, hasHistory }) => ({
			...{ name, unit, subjectType, worse, hasHistory }
		}))
		.sort((one, other) => one.name.localeCompare(other.name));
}
