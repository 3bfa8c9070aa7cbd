import { m } from '#i18n/paraglide/messages.js';
import { inMajorUnits } from '#lib/core/money.ts';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { share } from './figureMath.ts';
import type { MoneyOverview, MonthFigures, RevenueFigures } from './figureOverview.server.ts';

/** The tables of the charts, for files that programs read: money in major units, rates as fractions. */

const CHARTS = [
	...(['figures', 'movements', 'revenue', 'plans', 'countries'] as const),
	...(['plan-mrr', 'cohorts', 'cohort-heads'] as const)
];
export type Chart = (typeof CHARTS)[number];

/** The chart of an address; all figures by month where it names none that we know. */
export function parseChart(asked: string | null): Chart {
	return CHARTS.find((chart) => chart === asked) ?? 'figures';
}

type Cell = string | number | null;
type Row = Map<string, Cell>;

export interface ChartFile {
	/** Of the file, without its ending. */
	name: string;
	columns: CsvColumn<Row>[];
	rows: Row[];
}

export function chartFile(chart: Chart, all: MoneyOverview): ChartFile {
	const major = (minor: number | null) =>
		minor === null ? null : inMajorUnits(minor, all.currency);
	const currency: [string, Cell] = [m.billing_currency(), all.currency.toUpperCase()];
	const months = all.months.slice(1);
	switch (chart) {
		case 'figures':
			return file(
				m.billing_tab_summary(),
				months.map((month) => [
					[m.dashboard_month(), month.month],
					currency,
					...figures(month, major)
				])
			);
		case 'movements':
			return file(
				m.dashboard_mrr_movements(),
				months.map((month) => [
					[m.dashboard_month(), month.month],
					currency,
					...moved(month, major)
				])
			);
		case 'plan-mrr':
			return file(
				m.chart_plan_mrr(),
				all.plans.map((plan) => [
					[m.tenants_plan(), plan.name],
					currency,
					[m.chart_subscriptions(), plan.subscriptions],
					[m.chart_customers(), plan.customers],
					[m.figure_mrr(), major(plan.mrr)]
				])
			);
		case 'revenue':
			return revenueFile(m.chart_revenue(), m.dashboard_month(), all.revenue.byMonth);
		case 'plans':
			return revenueFile(m.chart_plans(), m.tenants_plan(), all.revenue.byPlan);
		case 'countries':
			return revenueFile(m.chart_countries(), m.tenants_country(), all.revenue.byCountry);
		default:
			return file(
				m.chart_cohorts(),
				all.cohorts.flatMap((cohort) =>
					cohort.left.map((left, index): [string, Cell][] => [
						[m.chart_cohort(), cohort.month],
						currency,
						[m.chart_month_number({ number: '' }).trim(), index],
						...(chart === 'cohorts'
							? ([
									[m.figure_mrr(), major(left.mrr)],
									[m.chart_share(), share(left.mrr, cohort.mrr)]
								] satisfies [string, Cell][])
							: ([
									[m.chart_customers(), left.customers],
									[m.chart_share(), share(left.customers, cohort.customers)]
								] satisfies [string, Cell][]))
					])
				)
			);
	}

	function revenueFile(name: string, first: string, parts: RevenueFigures[]): ChartFile {
		return file(
			name,
			parts.map((part) => [
				[first, part.key],
				currency,
				[m.chart_invoices(), part.invoices],
				[m.chart_paid(), major(part.paid)],
				[m.chart_tax(), major(part.tax)],
				[m.chart_refunded(), major(part.refunded)],
				[m.chart_net_of_tax(), major(part.net)]
			])
		);
	}
}

function moved(month: MonthFigures, major: (minor: number) => number | null): [string, Cell][] {
	return [
		[m.chart_mrr_start(), major(month.start)],
		[m.mrr_new(), major(month.new)],
		[m.mrr_expansion(), major(month.expansion)],
		[m.mrr_reactivation(), major(month.reactivation)],
		[m.mrr_contraction(), major(month.contraction)],
		[m.mrr_churn(), major(month.churn)],
		[m.dashboard_mrr_end(), major(month.end)],
		[m.chart_customers_new(), month.customersNew],
		[m.chart_customers_back(), month.customersBack],
		[m.chart_customers_lost(), month.customersLost],
		[m.figure_customers(), month.customersEnd]
	];
}

function figures(
	month: MonthFigures,
	major: (minor: number | null) => number | null
): [string, Cell][] {
	const { rates } = month;
	return [
		[m.figure_mrr(), major(month.end)],
		[m.figure_arr(), major(rates.arr)],
		[m.figure_churn(), rates.churn],
		[m.figure_gross_churn(), rates.grossChurn],
		[m.figure_net_churn(), rates.netChurn],
		[m.figure_customer_churn(), rates.customerChurn],
		[m.figure_arpu(), major(rates.arpu)],
		[m.figure_ltv(), major(month.ltv)],
		[m.figure_trials(), month.trialConversion],
		[m.figure_quick_ratio(), rates.quickRatio],
		[m.figure_customers(), month.customersEnd]
	];
}

/** Columns are those of the first row: all have the same. A file without rows has its name as the only heading. */
function file(name: string, rows: [string, Cell][][]): ChartFile {
	const labels = rows[0]?.map(([label]) => label) ?? [name];
	return {
		name: name
			.toLowerCase()
			.replaceAll(/[^\p{L}\d]+/gu, '-')
			.normalize('NFD')
			.replaceAll(/\p{M}/gu, ''),
		columns: labels.map((label) => ({ label, value: (row) => row.get(label) ?? null })),
		rows: rows.map((row) => new Map(row))
	};
}
