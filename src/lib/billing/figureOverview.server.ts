import { z } from 'zod';
import { cached, forget } from '#lib/core/cache.server.ts';
import { addMonths, monthKey, startOfMonth } from '#lib/core/dates.ts';
import { now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { onGap, onNotice } from '#lib/core/listen.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { cohorts } from './figureCohorts.server.ts';
import { lifetimeValue, ratesOf, share } from './figureMath.ts';
import { startOf } from './figureMonths.server.ts';
import type { FigureRange } from './figureRange.ts';
import { revenue } from './figureRevenue.server.ts';
import { trialsByMonth } from './figureTrials.server.ts';
import { monthFacts, mrr, usedCurrencies, worthByPlan } from './figures.server.ts';

/** Cohorts beyond these years are no use on a page. */
const MOST_COHORTS = 24;
/** Whatever changes the figures announces itself; this is for who does not hear. */
const LONGEST_SECONDS = 60;

const amount = z.number().int();
const rate = z.number().nullable();

/** A month with everything that follows from it, in JSON too; figureMath.ts says what each is. */
export const monthSchema = z.object({
	...{ month: z.string(), startsAt: z.coerce.date(), start: amount, end: amount },
	...{ new: amount, expansion: amount, reactivation: amount, contraction: amount, churn: amount },
	...{ customersStart: amount, customersNew: amount, customersBack: amount },
	...{ customersLost: amount, customersEnd: amount },
	rates: z.object({
		...{ arr: amount, churn: rate, grossChurn: rate, netChurn: rate, customerChurn: rate },
		...{ netCustomerChurn: rate, arpu: rate, quickRatio: rate }
	}),
	/** ARPU ÷ customer churn of the month; of the month before while the month runs. */
	ltv: rate,
	trialsEnded: amount,
	trialsConverted: amount,
	trialConversion: rate
});
const revenueSchema = z.object({
	...{ invoices: amount, paid: amount, tax: amount, refunded: amount, net: amount }
});
const partsSchema = z.array(revenueSchema.extend({ key: z.string() }));
const overviewSchema = z.object({
	/** When it was counted. */
	at: z.coerce.date(),
	zone: z.string(),
	currency: z.string(),
	/** Currencies that anything was ever worth something in, first the one that most pay in now. */
	currencies: z.array(z.string()),
	/** The last month is running: its figures are so far. */
	isRunning: z.boolean(),
	/** The months of the range in order, and before them the one that the first is compared with. */
	months: z.array(monthSchema),
	revenue: z.object({
		total: revenueSchema,
		byMonth: partsSchema,
		byPlan: partsSchema,
		byCountry: partsSchema
	}),
	cohorts: z.array(
		z.object({
			...{ month: z.string(), startsAt: z.coerce.date(), customers: amount, mrr: amount },
			left: z.array(z.object({ customers: amount, mrr: amount }))
		})
	),
	/** What each plan is worth; empty for a range that ended earlier, of which nobody kept it. */
	plans: z.array(
		z.object({
			...{ planKey: z.string(), name: z.string(), mrr: amount },
			...{ subscriptions: amount, customers: amount }
		})
	),
	/** Names of plans by key. */
	planNames: z.record(z.string(), z.string())
});

export type MoneyOverview = z.infer<typeof overviewSchema>;
export type MonthFigures = z.infer<typeof monthSchema>;
export type CohortFigures = MoneyOverview['cohorts'][number];
export type RevenueFigures = MoneyOverview['revenue']['byMonth'][number];

const kept = new Set<string>();
const forgetAll = () => {
	for (const key of kept) void forget(key);
	kept.clear();
};
onNotice(({ topic }) => {
	if (topic === 'staff:billing' || topic === 'staff:customers') forgetAll();
});
onGap(forgetAll);

/** Every figure of a currency and range, counted once for all who look, and again as soon as something of it changed. */
export async function moneyOverview(range: FigureRange, at: Date): Promise<MoneyOverview> {
	const zone = await setting('general.timezone');
	const key = `billing.figures:${zone}:${range.currency ?? ''}:${range.months}:${range.until ?? monthKey(at, zone)}`;
	kept.add(key);
	return cached(key, LONGEST_SECONDS, overviewSchema, () => countOverview(db, range, now(), zone), {
		seconds: LONGEST_SECONDS,
		renewed: () => publish(db, 'staff:figures')
	});
}

/** The same, counted now. @param at the running month ends here */
export async function countOverview(
	tx: Tx,
	range: FigureRange,
	at: Date,
	zone: string
): Promise<MoneyOverview> {
	const worth = (await mrr(tx)).map(({ currency }) => currency);
	const ever = await usedCurrencies(tx);
	const currencies = [...new Set([...worth, ...ever])];
	const currency = range.currency ?? currencies[0] ?? 'usd';
	const isRunning = range.until === null || range.until >= monthKey(at, zone);
	const end = isRunning
		? at
		: new Date(addMonths(startOf(range.until!, zone), 1, zone).getTime() - 1);
	const count = range.months;
	const months = await figuresOfMonths(tx, {
		at: end,
		zone,
		currency,
		count: count + 1,
		isRunning
	});
	const plans = await tx.plan.findMany({
		orderBy: { createdAt: 'asc' },
		select: { key: true, name: true }
	});
	return {
		...{ at, zone, currency, currencies, isRunning, months },
		revenue: await revenue(tx, {
			...{ at: end, zone, currency },
			first: months[1]!.month,
			last: months.at(-1)!.month
		}),
		cohorts: await cohorts(tx, {
			...{ at: end, zone, currency, count: Math.min(count, MOST_COHORTS) }
		}),
		plans: isRunning ? await worthByPlan(tx, currency) : [],
		planNames: Object.fromEntries(plans.map(({ key, name }) => [key, name]))
	};
}

/**
 * Months with everything that follows from them.
 * @param options.isRunning the last one is not over: until then nobody knows how many will have left in it
 */
export async function figuresOfMonths(
	tx: Tx,
	options: { at: Date; zone: string; currency: string; count: number; isRunning: boolean }
): Promise<MonthFigures[]> {
	const { at, zone, currency, count } = options;
	// One more, for the lifetime value of a running month that is the first.
	const facts = await monthFacts(tx, { at, zone, currency, count: count + 1 });
	const from = startOfMonth(facts[0]!.startsAt, zone);
	const trials = await trialsByMonth(tx, { currency, zone, from, to: new Date(at.getTime() + 1) });
	return facts.slice(1).map((month, index) => {
		const rates = ratesOf(month);
		const isLast = index === count - 1;
		const whole = options.isRunning && isLast ? ratesOf(facts[index]!) : rates;
		const { ended, converted } = trials.get(month.month) ?? { ended: 0, converted: 0 };
		return {
			...month,
			rates,
			ltv: lifetimeValue(rates.arpu, whole.customerChurn),
			trialsEnded: ended,
			trialsConverted: converted,
			trialConversion: share(converted, ended)
		};
	});
}
