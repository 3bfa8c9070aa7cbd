import { expect, it } from 'vitest';
import { judge, type AlertTerms } from './judgement.ts';

const busy: AlertTerms = {
	...{ worse: 'above', threshold: 80, samples: 3, hysteresis: 5 },
	...{ severity: 'warning', criticalAt: 95 }
};
const daysLeft: AlertTerms = {
	...{ worse: 'below', threshold: 14, samples: 1, hysteresis: 1 },
	...{ severity: 'warning', criticalAt: 3 }
};
const yes: AlertTerms = {
	...{ worse: 'above', threshold: null, samples: 1, hysteresis: 0 },
	...{ severity: 'critical', criticalAt: null }
};

it.each<[string, number[] | null, AlertTerms, string]>([
	['nothing fresh', null, busy, 'unknown'],
	['no sample at all', [], busy, 'unknown'],
	['too few samples', [99, 99], busy, 'between'],
	['all of them past', [81, 82, 90], busy, 'past warning'],
	['exactly at the threshold is not past it', [80, 90, 90], busy, 'between'],
	['one that is not', [90, 79, 90], busy, 'between'],
	['older ones do not count', [90, 90, 90, 10], busy, 'past warning'],
	['all past critical', [96, 97, 99], busy, 'past critical'],
	['one peak is not critical', [99, 90, 90], busy, 'past warning'],
	['back, and not far enough', [76, 70, 70], busy, 'between'],
	['back far enough', [75, 70, 70], busy, 'good'],
	['back far enough, not for long enough', [70, 70, 90], busy, 'between'],
	['few days left', [10], daysLeft, 'past warning'],
	['very few', [2.5], daysLeft, 'past critical'],
	['enough, and no more than that', [14.5], daysLeft, 'between'],
	['enough', [15], daysLeft, 'good'],
	['yes', [1], yes, 'past critical'],
	['no', [0], yes, 'good']
])('%s', (_, values, terms, said) => {
	const judgement = judge(values, terms);
	expect(judgement.kind === 'past' ? `past ${judgement.severity}` : judgement.kind).toBe(said);
});

it('is critical when the trend says that it is full within three days', () => {
	expect(judge([85, 84, 83], busy, 2.9)).toMatchObject({ kind: 'past', severity: 'critical' });
	expect(judge([85, 84, 83], busy, 3.1)).toMatchObject({ kind: 'past', severity: 'warning' });
	expect(judge([50, 50, 50], busy, 1)).toMatchObject({ kind: 'good' });
});
