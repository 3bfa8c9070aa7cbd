import { z } from 'zod';
import type { MoneyOverview, MonthFigures } from './figureOverview.server.ts';

/** The figures in the API: money in minor units, rates from 0 to 1, null for what is not known. */

const rate = z.number().nullable();
const amount = z.number().int();

export const rangeQuery = z.object({
	currency: z.string().length(3).optional(),
	months: z.coerce.number().int().optional(),
	/** Last month, `2026-10`; the running one by default. */
	until: z.string().optional()
});

export const monthFiguresSchema = z.object({
	...{ month: z.string(), mrr_start: amount, new: amount, expansion: amount, reactivation: amount },
	...{ contraction: amount, churn: amount, mrr: amount, arr: amount },
	...{ customers_start: amount, customers_new: amount, customers_reactivated: amount },
	...{ customers_lost: amount, customers: amount },
	...{ churn_rate: rate, gross_churn_rate: rate, net_churn_rate: rate },
	...{ customer_churn_rate: rate, net_customer_churn_rate: rate },
	...{ arpu: amount.nullable(), ltv: amount.nullable(), quick_ratio: rate },
	...{ trials_ended: amount, trials_converted: amount, trial_conversion_rate: rate }
});

export function monthFiguresView(figures: MonthFigures): z.input<typeof monthFiguresSchema> {
	const { rates } = figures;
	return {
		...{ month: figures.month, mrr_start: figures.start, new: figures.new },
		...{ expansion: figures.expansion, reactivation: figures.reactivation },
		...{ contraction: figures.contraction, churn: figures.churn },
		...{ mrr: figures.end, arr: rates.arr, customers_start: figures.customersStart },
		...{ customers_new: figures.customersNew, customers_reactivated: figures.customersBack },
		...{ customers_lost: figures.customersLost, customers: figures.customersEnd },
		...{ churn_rate: rates.churn, gross_churn_rate: rates.grossChurn },
		...{ net_churn_rate: rates.netChurn, customer_churn_rate: rates.customerChurn },
		...{ net_customer_churn_rate: rates.netCustomerChurn, arpu: rates.arpu, ltv: figures.ltv },
		...{ quick_ratio: rates.quickRatio, trials_ended: figures.trialsEnded },
		trials_converted: figures.trialsConverted,
		trial_conversion_rate: figures.trialConversion
	};
}

const revenue = z.object({
	...{ invoices: amount, paid: amount, tax: amount, refunded: amount, net: amount }
});

export const billingMetricsSchema = z.object({
	at: z.iso.datetime(),
	time_zone: z.string(),
	currency: z.string(),
	currencies: z.array(z.string()),
	/** The last month is not over: its figures are so far. */
	is_running: z.boolean(),
	current: monthFiguresSchema,
	months: z.array(monthFiguresSchema),
	revenue: z.object({
		total: revenue,
		by_month: z.array(revenue.extend({ month: z.string() })),
		by_plan: z.array(revenue.extend({ plan: z.string() })),
		by_country: z.array(revenue.extend({ country: z.string() }))
	}),
	plans: z.array(
		z.object({ plan: z.string(), mrr: amount, subscriptions: amount, customers: amount })
	),
	cohorts: z.array(
		z.object({
			...{ month: z.string(), customers: amount, mrr: amount },
			/** At the end of each month from the first on. */
			left: z.array(z.object({ customers: amount, mrr: amount }))
		})
	)
});

export function billingMetricsView(all: MoneyOverview): z.input<typeof billingMetricsSchema> {
	const months = all.months.slice(1).map(monthFiguresView);
	return {
		at: all.at.toISOString(),
		...{ time_zone: all.zone, currency: all.currency, currencies: all.currencies },
		...{ is_running: all.isRunning, current: months.at(-1)!, months },
		revenue: {
			total: all.revenue.total,
			by_month: all.revenue.byMonth.map(({ key, ...part }) => ({ ...part, month: key })),
			by_plan: all.revenue.byPlan.map(({ key, ...part }) => ({ ...part, plan: key })),
			by_country: all.revenue.byCountry.map(({ key, ...part }) => ({ ...part, country: key }))
		},
		plans: all.plans.map(({ planKey, mrr, subscriptions, customers }) => ({
			...{ plan: planKey, mrr, subscriptions, customers }
		})),
		cohorts: all.cohorts.map(({ month, customers, mrr, left }) => ({
			...{ month, customers, mrr, left }
		}))
	};
}
