import { m } from '#i18n/paraglide/messages.js';
import { money, number, percent } from '#lib/ui/format.ts';
import type { Tone } from '#lib/ui/tone.ts';
import { changeOf } from './figureMath.ts';
import type { MonthFigures } from './figureOverview.server.ts';

/** How the figures are called, what they mean, how they are written, and where their rows are. */

type Unit = 'money' | 'rate' | 'ratio' | 'count';

export interface Figure {
	key: string;
	label: () => string;
	/** The definition, for people. */
	definition: () => string;
	unit: Unit;
	/** Which way is good. */
	better: 'up' | 'down';
	value: (month: MonthFigures) => number | null;
	/** The list of its rows, without currency; `month` is the key, null for the running one. */
	rows: (month: string, isRunning: boolean) => string;
}

const movements = (kind: string, more = '') => `/admin/billing/movements?kind=${kind}${more}`;
const ofMonth = (href: string, month: string) => `${href}&month=${month}`;
/** What everything is worth now is in the subscriptions; what it was, in all that moved until then. */
const worth = (month: string, isRunning: boolean) =>
	isRunning ? '/admin/billing/subscriptions?worth=some' : `/admin/billing/movements?month=${month}`;

export const FIGURES = {
	mrr: {
		...{ key: 'mrr', label: m.figure_mrr, definition: m.figure_mrr_is, unit: 'money' },
		...{ better: 'up', value: ({ end }) => end, rows: worth }
	},
	arr: {
		...{ key: 'arr', label: m.figure_arr, definition: m.figure_arr_is, unit: 'money' },
		...{ better: 'up', value: ({ rates }) => rates.arr, rows: worth }
	},
	churn: {
		...{ key: 'churn', label: m.figure_churn, definition: m.figure_churn_is, unit: 'rate' },
		...{ better: 'down', value: ({ rates }) => rates.churn },
		rows: (month) => ofMonth(movements('churn'), month)
	},
	grossChurn: {
		...{ key: 'grossChurn', label: m.figure_gross_churn, definition: m.figure_gross_churn_is },
		...{ unit: 'rate', better: 'down', value: ({ rates }) => rates.grossChurn },
		rows: (month) => ofMonth(movements('churn%2Ccontraction'), month)
	},
	netChurn: {
		...{ key: 'netChurn', label: m.figure_net_churn, definition: m.figure_net_churn_is },
		...{ unit: 'rate', better: 'down', value: ({ rates }) => rates.netChurn },
		rows: (month) => ofMonth(movements('churn%2Ccontraction%2Cexpansion%2Creactivation'), month)
	},
	customerChurn: {
		key: 'customerChurn',
		...{ label: m.figure_customer_churn, definition: m.figure_customer_churn_is, unit: 'rate' },
		...{ better: 'down', value: ({ rates }) => rates.customerChurn },
		rows: (month) => ofMonth(movements('churn', '&heads=lost'), month)
	},
	arpu: {
		...{ key: 'arpu', label: m.figure_arpu, definition: m.figure_arpu_is, unit: 'money' },
		...{ better: 'up', value: ({ rates }) => rates.arpu, rows: worth }
	},
	ltv: {
		...{ key: 'ltv', label: m.figure_ltv, definition: m.figure_ltv_is, unit: 'money' },
		...{ better: 'up', value: ({ ltv }) => ltv },
		rows: (month) => ofMonth(movements('churn', '&heads=lost'), month)
	},
	trials: {
		...{ key: 'trials', label: m.figure_trials, definition: m.figure_trials_is, unit: 'rate' },
		...{ better: 'up', value: ({ trialConversion }) => trialConversion },
		rows: (month) => `/admin/billing/subscriptions?trial=${month}`
	},
	quickRatio: {
		...{ key: 'quickRatio', label: m.figure_quick_ratio, definition: m.figure_quick_ratio_is },
		...{ unit: 'ratio', better: 'up', value: ({ rates }) => rates.quickRatio },
		rows: (month) => `/admin/billing/movements?month=${month}`
	}
} satisfies Record<string, Figure>;

/** Those that the overview shows as cards. */
export const CARDS: Figure[] = [
	...[FIGURES.mrr, FIGURES.arr, FIGURES.netChurn, FIGURES.grossChurn],
	...[FIGURES.customerChurn, FIGURES.arpu, FIGURES.ltv, FIGURES.trials]
];

/** A value as people read it; null when nobody knows it. */
export function figureText(
	value: number | null,
	unit: Unit,
	currency: string,
	locale: string
): string | null {
	if (value === null) return null;
	if (unit === 'money')
		return money(value, currency, locale, { whole: Math.abs(value) >= 100_000 });
	if (unit === 'rate') return percent(value, locale);
	return number(value, locale, unit === 'ratio' ? 1 : 0);
}

/** How a figure moved against another month: money in percent, rates in points. */
export function figureDelta(
	figure: Figure,
	now: number | null,
	before: number | null,
	locale: string
): { text: string; tone: Tone } | null {
	if (now === null || before === null) return null;
	const difference = now - before;
	const sign = difference > 0 ? '+' : '';
	const change = figure.unit === 'money' ? changeOf(now, before) : difference;
	if (change === null) return null;
	const text =
		figure.unit === 'money'
			? `${sign}${percent(change, locale)}`
			: figure.unit === 'rate'
				? m.figure_points({ points: `${sign}${number(change * 100, locale, 1)}` })
				: `${sign}${number(change, locale, 1)}`;
	if (Math.abs(change) < 0.0005) return { text: text.replace(/^[+-]/, ''), tone: 'neutral' };
	return { text, tone: difference > 0 === (figure.better === 'up') ? 'success' : 'danger' };
}

/** Adds the currency to a figure's list. */
export function inCurrency(href: string, currency: string): string {
	return `${href}${href.includes('?') ? '&' : '?'}currency=${currency}`;
}
