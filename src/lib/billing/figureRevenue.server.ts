import type { Tx } from '#lib/core/db.server.ts';
import { monthsUntil, revenueRows } from './figureMonths.server.ts';

/** What came in and went back, in minor units. */
export interface Revenue {
	/** Invoices that were paid. */
	invoices: number;
	/** Taxes included. */
	paid: number;
	tax: number;
	/** What went back: refunds, and what banks took back in disputes that we lost. */
	refunded: number;
	/** `paid - tax - refunded`: what is ours. */
	net: number;
}

/** A month, a plan's key or a country; '' where invoices name none. */
export type RevenuePart = Revenue & { key: string };

/** Revenue of a span of months in three cuts, each adding up to `total`. */
export interface RevenueCuts {
	total: Revenue;
	/** In order of time; months without any are left out. */
	byMonth: RevenuePart[];
	/** The most first. */
	byPlan: RevenuePart[];
	byCountry: RevenuePart[];
}

/**
 * What was paid and given back in a currency from one month to another, both included, until `at`. Paid counts when the
 * money came, refunds when they were made, lost disputes when Stripe took the money off our balance.
 * @param first `2026-01` in `zone`
 */
export async function revenue(
	tx: Tx,
	options: { at: Date; zone: string; currency: string; first: string; last: string }
): Promise<RevenueCuts> {
	const { at, zone, currency, first, last } = options;
	const months = await monthsUntil(tx, at, zone, first);
	const rows = await tx.$queryRaw<(Revenue & { month: string; plan: string; country: string })[]>`
		SELECT month, plan, country, sum(invoices)::int AS invoices, sum(paid)::float8 AS paid, sum(tax)::float8 AS tax,
			sum(refunded)::float8 AS refunded
		FROM (
			SELECT month, plan_key AS plan, country, invoices, paid, tax, refunded FROM revenue_months
			WHERE currency = ${currency} AND month BETWEEN ${first} AND ${last} AND month = ANY(${months.closed}::bpchar[])
			UNION ALL
			SELECT month, plan_key, country, sum(invoices), sum(paid), sum(tax), sum(refunded)
			FROM (${revenueRows(months.spans, currency)}) AS money
			WHERE month <= ${last} GROUP BY 1, 2, 3
		) AS parts
		GROUP BY 1, 2, 3`;
	const cut = (keyOf: (row: (typeof rows)[number]) => string): RevenuePart[] => {
		const parts = new Map<string, RevenuePart>();
		for (const row of rows) {
			const key = keyOf(row);
			parts.set(key, { key, ...plus(parts.get(key) ?? NONE, row) });
		}
		return [...parts.values()];
	};
	const most = (one: RevenuePart, other: RevenuePart) =>
		other.paid - one.paid || one.key.localeCompare(other.key);
	return {
		total: rows.reduce(plus, NONE),
		byMonth: cut((row) => row.month).sort((a, b) => a.key.localeCompare(b.key)),
		byPlan: cut((row) => row.plan).sort(most),
		byCountry: cut((row) => row.country).sort(most)
	};
}

const NONE: Revenue = { invoices: 0, paid: 0, tax: 0, refunded: 0, net: 0 };

function plus(sum: Revenue, row: Omit<Revenue, 'net'>): Revenue {
	const [paid, tax, refunded] = [
		sum.paid + row.paid,
		sum.tax + row.tax,
		sum.refunded + row.refunded
	];
	return { invoices: sum.invoices + row.invoices, paid, tax, refunded, net: paid - tax - refunded };
}
