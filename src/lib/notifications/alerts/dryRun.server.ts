import type { Tx } from '#lib/core/db.server.ts';
import type { AlertSeverity } from '#prisma/generated/enums.ts';
import type { AlertMetric } from './alertMetrics.server.ts';
import { judge } from './judgement.ts';
import type { RuleTerms } from './ruleForms.ts';

/** As many as a page shows. */
const SHOWN = 50;

export interface DryRun {
	/** Subjects that there are. */
	subjects: number;
	/** Of those, without a fresh value. */
	unknown: number;
	/** About whom an alert would be open, the worst first; the first fifty. */
	past: { subjectId: string; name: string; value: number; severity: AlertSeverity }[];
	pastCount: number;
	/** Past the threshold and not for long enough, or on the way back. */
	between: number;
}

/** What a rule with these terms would say now. Nothing is opened or told. */
export async function dryRun(tx: Tx, metric: AlertMetric, terms: RuleTerms): Promise<DryRun> {
	const readings = await metric.read(tx, { samples: terms.samples });
	const judged = readings.map((reading) => ({
		...{ subjectId: reading.subjectId, name: reading.name },
		judgement: judge(reading.values, { ...terms, worse: metric.worse }, reading.daysLeft ?? null)
	}));
	const of = (kind: string) => judged.filter(({ judgement }) => judgement.kind === kind).length;
	const past = judged.flatMap(({ judgement, ...subject }) =>
		judgement.kind === 'past'
			? [{ ...subject, value: judgement.value, severity: judgement.severity }]
			: []
	);
	const worst = metric.worse === 'above' ? 1 : -1;
	past.sort(
		(one, other) => worst * (other.value - one.value) || one.name.localeCompare(other.name)
	);
	return {
		...{ subjects: readings.length, unknown: of('unknown'), between: of('between') },
		...{ past: past.slice(0, SHOWN), pastCount: past.length }
	};
}
