import type { Plan, PlanLimit, PlanPrice } from '#prisma/generated/client.ts';
import { isCurrency } from './currencies.ts';
import { isResource, RESOURCE_NAMES, type Limit } from './limits.ts';
import type { PlanTerms, PriceTerms } from './planForms.ts';

export type WholePlan = Plan & { prices: PlanPrice[]; limits: PlanLimit[] };

/** What people pay for in a version. */
export function termsOf(plan: WholePlan): PlanTerms {
	return ordered({
		isolation: plan.isolation,
		cpuCores: plan.cpuCores,
		ramMb: plan.ramMb,
		diskGb: plan.diskGb,
		backupIntervalHours: plan.backupIntervalHours,
		slaBasisPoints: plan.slaBasisPoints,
		prices: plan.prices.flatMap(({ interval, currency, amount }): PriceTerms[] =>
			isCurrency(currency) ? [{ interval, currency, amount }] : []
		),
		limits: plan.limits.flatMap(({ resource, amount, graceDays, act }): Limit[] =>
			isResource(resource) ? [{ resource, amount, graceDays, act }] : []
		)
	});
}

const priceKey = ({ interval, currency }: PriceTerms) => `${currency} ${interval}`;

/** The same terms in the one order in which they are compared. */
export function ordered(terms: PlanTerms): PlanTerms {
	return {
		...terms,
		prices: terms.prices.toSorted((a, b) => priceKey(a).localeCompare(priceKey(b))),
		limits: terms.limits.toSorted(
			(a, b) => RESOURCE_NAMES.indexOf(a.resource) - RESOURCE_NAMES.indexOf(b.resource)
		)
	};
}

/** One thing that a new version changes; `null` is none. */
export type TermChange =
	| {
			what:
				'isolation' | 'cpuCores' | 'ramMb' | 'diskGb' | 'backupIntervalHours' | 'slaBasisPoints';
			from: string | number;
			to: string | number;
	  }
	| { what: 'price'; from: PriceTerms | null; to: PriceTerms | null }
	| { what: 'limit'; from: Limit | null; to: Limit | null };

const PLAIN = [
	'isolation',
	'cpuCores',
	'ramMb',
	'diskGb',
	'backupIntervalHours',
	'slaBasisPoints'
] as const;

/** Everything that the one says otherwise than the other, in the order in which it is read. */
export function termChanges(from: PlanTerms, to: PlanTerms): TermChange[] {
	const changes: TermChange[] = PLAIN.flatMap((what) =>
		from[what] === to[what] ? [] : [{ what, from: from[what], to: to[what] }]
	);
	changes.push(
		...pairs(from.prices, to.prices, priceKey).map((pair) => ({ what: 'price' as const, ...pair })),
		...pairs(from.limits, to.limits, ({ resource }) => resource).map((pair) => ({
			what: 'limit' as const,
			...pair
		}))
	);
	return changes;
}

function pairs<T extends object>(
	from: T[],
	to: T[],
	key: (one: T) => string
): { from: T | null; to: T | null }[] {
	const keys = new Set([...from, ...to].map(key));
	return [...keys].flatMap((name) => {
		const before = from.find((one) => key(one) === name) ?? null;
		const after = to.find((one) => key(one) === name) ?? null;
		return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ from: before, to: after }];
	});
}

/** What a new plan begins with, by how it runs; everything of it is edited before anybody sees it. */
export function firstTerms(isolation: PlanTerms['isolation'], price: PriceTerms): PlanTerms {
	const shared = isolation === 'shared';
	return {
		isolation,
		cpuCores: shared ? 1 : 2,
		ramMb: shared ? 2048 : 4096,
		diskGb: shared ? 10 : 50,
		backupIntervalHours: shared ? 168 : 24,
		slaBasisPoints: 9900,
		prices: [price],
		limits: []
	};
}
