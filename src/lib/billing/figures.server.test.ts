import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { after, DAY, HOUR, MINUTE } from '#lib/core/clock.server.ts';
import { addMonths, monthKey } from '#lib/core/dates.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Subscription } from '#prisma/generated/client.ts';
import { cohorts } from './figureCohorts.server.ts';
import type { MonthFacts } from './figureMath.ts';
import { closeMonths, startOf } from './figureMonths.server.ts';
import { monthFacts, mrr, worthByPlan } from './figures.server.ts';
import { recordMovement } from './movements.server.ts';
import { subscriberMonths } from './subscriberMonths.server.ts';
import { listMrrChanges } from './subscriptionList.server.ts';

await testDatabase();

// With and without daylight saving, before and behind UTC, and by half an hour.
const ZONES = [
	...['America/Guayaquil', 'America/Santiago', 'Europe/Madrid', 'Asia/Kolkata', 'Pacific/Auckland']
];
const COUNT = 9;
const END = new Date('2026-06-20T12:00:00Z');
const plans = [await aPlan(), await aPlan()];
let currencies = 0;
const freshCurrency = () => `y${(currencies++).toString(36).padStart(2, '0')}`;

const zoneOf = fc.constantFrom(...ZONES);
/** Ends of months to the minute, January's above all, the nights of the clock change, and any moment. */
const momentOf = fc.oneof(
	fc
		.tuple(fc.constantFrom('2025-12', '2026-01', '2026-02', '2026-03', '2026-05'), zoneOf)
		.chain(([month, zone]) =>
			fc.integer({ min: -3, max: 3 }).map((n) => after(startOf(month, zone), n * MINUTE))
		),
	fc.constantFrom(new Date('2026-03-29T01:30:00Z'), new Date('2026-04-05T03:30:00Z')),
	fc
		.integer({ min: 0, max: 200 * 24 })
		.map((n) => after(new Date('2025-11-25T00:00:00Z'), n * HOUR))
);
const stepOf = fc.record({
	which: fc.nat(5),
	mrr: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 90_000 })),
	at: momentOf
});

type Moved = Awaited<ReturnType<typeof db.mrrMovement.findMany>>[number];

/** The figures as somebody would add them up by hand. */
function byHand(moved: Moved[], zone: string, at: Date): MonthFacts[] {
	return Array.from({ length: COUNT }, (_, index) => {
		const startsAt = addMonths(at, 1 - COUNT + index, zone);
		const month = monthKey(startsAt, zone);
		const earlier = moved.filter((one) => one.at < startsAt);
		const own = moved.filter((one) => monthKey(one.at, zone) === month && one.at <= at);
		const sum = (rows: Moved[], value: (one: Moved) => number) =>
			rows.reduce((total, one) => total + value(one), 0);
		const of = (kind: string) => sum(own, (one) => (one.kind === kind ? one.amount : 0));
		const start = sum(earlier, ({ amount }) => amount);
		const heads = (yes: (one: Moved) => boolean) => own.filter(yes).length;
		const customersStart = sum(earlier, ({ customers }) => customers);
		return {
			...{ month, startsAt, start, end: start + sum(own, ({ amount }) => amount) },
			...{ new: of('new'), expansion: of('expansion'), reactivation: of('reactivation') },
			...{ contraction: of('contraction'), churn: of('churn'), customersStart },
			customersNew: heads(({ customers, kind }) => customers > 0 && kind !== 'reactivation'),
			customersBack: heads(({ customers, kind }) => customers > 0 && kind === 'reactivation'),
			customersLost: heads(({ customers }) => customers < 0),
			customersEnd: customersStart + sum(own, ({ customers }) => customers)
		};
	});
}

async function play(rows: Subscription[], history: { which: number; mrr: number; at: Date }[]) {
	for (const { which, mrr: worth, at } of history.toSorted((a, b) => +a.at - +b.at)) {
		await transaction((tx) => recordMovement(tx, rows[which]!, worth, at));
	}
}

/** What the files by customer say adds up to the months. */
async function filesAgree(facts: MonthFacts[], currency: string, zone: string): Promise<void> {
	const range = { at: END, zone, currency, isRunning: true, months: facts };
	const worth = facts.slice(1).map(() => 0);
	let after: string | null = null;
	do {
		const batch: Awaited<ReturnType<typeof subscriberMonths>> = await subscriberMonths(
			db,
			range,
			after
		);
		for (const { months } of batch.rows)
			for (const [index, amount] of months.entries()) worth[index]! += amount;
		after = batch.next;
	} while (after);
	expect(worth).toEqual(facts.slice(1).map(({ end }) => end));
	const { rows: changes } = await listMrrChanges(db, {
		...{ q: '', page: 1, pageSize: 100, cursor: null },
		...{ sort: { key: 'at', direction: 'asc' }, filters: { currency } }
	});
	const worths = new Map<string, number>();
	for (const { customerId, before, amount, after: left } of changes) {
		expect(before).toBe(worths.get(customerId) ?? 0);
		expect(before + amount).toBe(left);
		worths.set(customerId, left);
	}
	expect([...worths.values()].reduce((sum, left) => sum + left, 0)).toBe(facts.at(-1)!.end);
}

describe('the months', () => {
	it('explain every change, with and without sums, in every zone, whatever is written later', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(stepOf, { minLength: 1, maxLength: 14 }),
				fc.array(stepOf, { maxLength: 3 }),
				fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
				fc.tuple(zoneOf, zoneOf),
				async (history, late, owners, [zone, another]) => {
					const books = [freshCurrency(), freshCurrency()];
					const customers = new Map<number, string>();
					for (const owner of new Set(owners)) customers.set(owner, (await aCustomer()).id);
					const rows = await Promise.all(
						owners.map((owner, index) =>
							aSubscription({
								customerId: customers.get(owner)!,
								planId: plans[index % 2]!.id,
								currency: books[index < 4 ? 0 : 1]!,
								mrr: 0
							})
						)
					);
					const agree = async (currency: string, inZone: string) => {
						const moved = await db.mrrMovement.findMany({ where: { currency } });
						const facts = await monthFacts(db, { at: END, zone: inZone, currency, count: COUNT });
						expect(facts).toEqual(byHand(moved, inZone, END));
						for (const [index, month] of facts.entries()) {
							const { start, end, contraction, churn } = month;
							expect(
								start + month.new + month.expansion + month.reactivation + contraction + churn
							).toBe(end);
							expect(
								month.customersStart +
									month.customersNew +
									month.customersBack -
									month.customersLost
							).toBe(month.customersEnd);
							if (index > 0) expect(start).toBe(facts[index - 1]!.end);
						}
						const now = (await mrr(db)).find((money) => money.currency === currency)?.amount ?? 0;
						expect(facts.at(-1)!.end).toBe(now);
						const byPlan = await worthByPlan(db, currency);
						expect(byPlan.reduce((sum, plan) => sum + plan.mrr, 0)).toBe(now);
						const left = await cohorts(db, { at: END, zone: inZone, currency, count: COUNT });
						expect(left.reduce((sum, { left: [...ends] }) => sum + ends.at(-1)!.mrr, 0)).toBe(now);
						expect(left.reduce((sum, cohort) => sum + cohort.left.at(-1)!.customers, 0)).toBe(
							facts.at(-1)!.customersEnd
						);
						expect(left.reduce((sum, { customers: came }) => sum + came, 0)).toBe(
							facts.reduce((sum, { customersNew }) => sum + customersNew, 0)
						);
						await filesAgree(facts, currency, inZone);
						return { facts, left };
					};
					await play(rows, history);
					const open = await Promise.all(books.map((currency) => agree(currency, zone)));
					await closeMonths(END, zone);
					const first = await db.mrrMovement.findFirst({
						where: { currency: { in: books }, at: { lt: startOf('2026-06', zone) } },
						orderBy: { at: 'asc' }
					});
					if (first) {
						const where = { month: monthKey(first.at, zone), timeZone: zone };
						expect(await db.figureMonth.count({ where })).toBe(1);
					}
					expect(await Promise.all(books.map((currency) => agree(currency, zone)))).toEqual(open);
					// Nothing is left to do.
					expect(await closeMonths(END, zone)).toEqual([]);
					// The setting changes: what is closed counts in its zone alone.
					for (const currency of books) await agree(currency, another);
					// Late rows; some of them in months that are closed.
					const latest = history.reduce((most, { at }) => (at > most ? at : most), new Date(0));
					await play(
						rows,
						late.map((step) => ({ ...step, at: step.at < latest ? latest : step.at }))
					);
					for (const currency of books) await agree(currency, zone);
					await closeMonths(END, another);
					for (const currency of books) await agree(currency, another);
				}
			),
			{ numRuns: 25 }
		);
	}, 120_000);

	it('are calendar months of the zone: the last minute of January is January', async () => {
		const currency = freshCurrency();
		const row = await aSubscription({ currency, mrr: 0 });
		// Half past eleven at night on the 31st in Guayaquil, five hours behind.
		await play([row], [{ which: 0, mrr: 4_900, at: new Date('2026-02-01T04:30:00Z') }]);
		const at = new Date('2026-02-20T00:00:00Z');
		const [january, february] = await monthFacts(db, {
			...{ at, zone: 'America/Guayaquil', currency, count: 2 }
		});
		expect(january).toMatchObject({ month: '2026-01', new: 4_900, end: 4_900, customersNew: 1 });
		expect(february).toMatchObject({ month: '2026-02', start: 4_900, new: 0, end: 4_900 });
		const [utc] = await monthFacts(db, { at, zone: 'UTC', currency, count: 1 });
		expect(utc).toMatchObject({ month: '2026-02', start: 0, new: 4_900 });
	});

	it('end at the moment that is asked for', async () => {
		const currency = freshCurrency();
		const row = await aSubscription({ currency, mrr: 0 });
		const at = new Date('2026-04-10T10:00:00Z');
		await play(
			[row],
			[
				{ which: 0, mrr: 100, at },
				{ which: 0, mrr: 300, at: after(at, 1) }
			]
		);
		const ask = (moment: Date) => monthFacts(db, { at: moment, zone: 'UTC', currency, count: 1 });
		expect((await ask(at))[0]).toMatchObject({ end: 100 });
		expect((await ask(after(at, 1)))[0]).toMatchObject({ end: 300 });
	});
});

describe('closing', () => {
	it('starts over when a customer turns out to be of another country', async () => {
		const currency = freshCurrency();
		const row = await aSubscription({ currency, mrr: 0 });
		await play([row], [{ which: 0, mrr: 500, at: new Date('2026-02-10T00:00:00Z') }]);
		await closeMonths(END, 'UTC');
		const isClosed = () => db.figureMonth.count({ where: { month: '2026-02', timeZone: 'UTC' } });
		expect(await isClosed()).toBe(1);
		await db.customer.update({ where: { id: row.customerId }, data: { notes: 'unrelated' } });
		expect(await isClosed()).toBe(1);
		await db.customer.update({ where: { id: row.customerId }, data: { country: 'CL' } });
		expect(await isClosed()).toBe(0);
		await closeMonths(END, 'UTC');
		expect(await db.mrrMonth.findMany({ where: { currency, cohort: { not: '' } } })).toMatchObject([
			{ month: '2026-02', country: 'CL', cohort: '2026-02', new: 500n, customersNew: 1 }
		]);
	});

	it('waits for rows that are being written', async () => {
		const currency = freshCurrency();
		const row = await aSubscription({ currency, mrr: 0 });
		await closeMonths(END, 'UTC');
		const written = Promise.withResolvers<void>();
		const go = Promise.withResolvers<void>();
		const writer = transaction(async (tx) => {
			await recordMovement(tx, row, 700, new Date('2026-03-03T00:00:00Z'));
			written.resolve();
			await go.promise;
		});
		await written.promise;
		const closer = closeMonths(END, 'UTC');
		setTimeout(go.resolve, 200);
		await Promise.all([writer, closer]);
		await closeMonths(END, 'UTC');
		expect(await db.mrrMonth.findMany({ where: { currency, cohort: { not: '' } } })).toMatchObject([
			{ new: 700n }
		]);
		const facts = await monthFacts(db, { at: after(END, DAY), zone: 'UTC', currency, count: 1 });
		expect(facts[0]).toMatchObject({ start: 700 });
	});
});
