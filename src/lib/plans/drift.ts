import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { money } from '#lib/ui/format.ts';

/** One thing that Stripe says otherwise of a version of a plan; texts are as both write them. */
export const differenceSchema = z.object({
	what: z.enum([
		'product_missing',
		'product_name',
		'product_archived',
		'price_missing',
		'price_archived',
		'price_amount',
		'price_currency',
		'price_interval',
		'price_lookup_key',
		'price_product'
	]),
	/** Row of plan_prices; null for what is said of the product. */
	priceId: z.string().nullable(),
	interval: z.enum(['month', 'year']).nullable(),
	currency: z.string().nullable(),
	ours: z.string().nullable(),
	theirs: z.string().nullable()
});
export type Difference = z.output<typeof differenceSchema>;

export function readDifferences(stored: unknown): Difference[] {
	const read = z.array(differenceSchema).safeParse(stored);
	return read.success ? read.data : [];
}

/** How a version stands at Stripe. `unneeded`: nobody may buy it and nobody pays it. */
export type MirrorState = 'in_sync' | 'drift' | 'absent' | 'unseen' | 'failed' | 'unneeded';

export function mirrorState(plan: {
	purchasable: boolean;
	replacedAt: Date | null;
	stripeCheckedAt: Date | null;
	stripeError: string | null;
	stripeDifferences: unknown;
	/** Prices with an id at Stripe. */
	known: number;
}): MirrorState {
	if (plan.stripeError) return 'failed';
	const differences = readDifferences(plan.stripeDifferences);
	if (differences.length > 0)
		return differences.every(({ what }) => what.endsWith('_missing')) ? 'absent' : 'drift';
	if (plan.stripeCheckedAt) return plan.known > 0 ? 'in_sync' : 'unneeded';
	return plan.purchasable && !plan.replacedAt ? 'unseen' : 'unneeded';
}

const SENTENCES: Record<Difference['what'], (values: Words) => string> = {
	product_missing: () => m.drift_product_missing(),
	product_name: ({ ours, theirs }) => m.drift_product_name({ ours, theirs }),
	product_archived: () => m.drift_product_archived(),
	price_missing: ({ price }) => m.drift_price_missing({ price }),
	price_archived: ({ price }) => m.drift_price_archived({ price }),
	price_amount: (values) => m.drift_price_amount(values),
	price_currency: (values) => m.drift_price_currency(values),
	price_interval: (values) => m.drift_price_interval(values),
	price_lookup_key: (values) => m.drift_price_lookup_key(values),
	price_product: ({ price }) => m.drift_price_product({ price })
};
type Words = { price: string; ours: string; theirs: string };

/** "El precio mensual en USD cuesta US$ 49 aquí y US$ 59 en Stripe." @param locale BCP 47 */
export function differenceSentence(difference: Difference, locale: string): string {
	const { what, interval, currency } = difference;
	const period = interval === 'year' ? m.plans_yearly() : m.plans_monthly();
	const price = `${period} ${currency?.toUpperCase() ?? ''}`;
	const text = (value: string | null) =>
		what === 'price_amount' && value !== null && currency
			? money(Number(value), currency, locale)
			: (value ?? '—');
	return SENTENCES[what]({ price, ours: text(difference.ours), theirs: text(difference.theirs) });
}
