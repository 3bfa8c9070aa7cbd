import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { anInvoice, aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { after, DAY, MINUTE } from '#lib/core/clock.server.ts';
import { monthKey } from '#lib/core/dates.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { closeMonths, startOf } from './figureMonths.server.ts';
import { revenue } from './figureRevenue.server.ts';
import { trialsByMonth } from './figureTrials.server.ts';
import { recordMovement } from './movements.server.ts';

await testDatabase();

const ZONES = ['America/Guayaquil', 'America/Santiago', 'Europe/Madrid'];
const END = new Date('2026-06-20T12:00:00Z');
const plans = [await aPlan(), await aPlan()];
const customers = [await aCustomer({ country: 'EC' }), await aCustomer({ country: 'CL' })];
const subscriptions = await Promise.all(
	customers.map(({ id }, index) => aSubscription({ customerId: id, planId: plans[index]!.id }))
);
let currencies = 0;
const freshCurrency = () => `z${(currencies++).toString(36).padStart(2, '0')}`;
let refunds = 0;

const momentOf = fc.oneof(
	fc
		.tuple(fc.constantFrom('2026-01', '2026-02', '2026-03'), fc.constantFrom(...ZONES))
		.chain(([month, zone]) =>
			fc.integer({ min: -2, max: 2 }).map((n) => after(startOf(month, zone), n * MINUTE))
		),
	fc.integer({ min: 0, max: 160 }).map((n) => after(new Date('2026-01-01T00:00:00Z'), n * DAY))
);
const invoiceOf = fc.record({
	who: fc.nat(1),
	subtotal: fc.integer({ min: 0, max: 90_000 }),
	tax: fc.integer({ min: 0, max: 15_000 }),
	at: fc.option(momentOf),
	/** So many percent went back at a moment, if at all: by us, or by a bank in a dispute that we lost. */
	refund: fc.option(
		fc.record({ part: fc.integer({ min: 1, max: 100 }), at: momentOf, byBank: fc.boolean() })
	)
});

describe('revenue', () => {
	it('is the same with and without sums, in every cut and zone', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(invoiceOf, { minLength: 1, maxLength: 8 }),
				fc.tuple(fc.constantFrom(...ZONES), fc.constantFrom(...ZONES)),
				async (invoices, [zone, another]) => {
					const currency = freshCurrency();
					for (const { who, subtotal, tax, at, refund } of invoices) {
						const total = subtotal + tax;
						const { id } = await anInvoice({
							...{
								customerId: customers[who]!.id,
								subscriptionId: subscriptions[who]!.id,
								currency
							},
							...{ subtotal, tax, total, status: at ? 'paid' : 'open' },
							...{ amountPaid: at ? total : 0, paidAt: at }
						});
						const amount = Math.floor((total * (refund?.part ?? 0)) / 100);
						if (!at || !refund || amount === 0) continue;
						if (refund.byBank) {
							for (const status of ['lost', 'won'])
								await db.dispute.create({
									data: {
										...{ customerId: customers[who]!.id, invoiceId: id, currency, amount, status },
										...{ stripeDisputeId: `du_f${refunds++}`, reason: 'fraudulent' },
										...{ openedAt: after(refund.at, -DAY), withdrawnAt: refund.at }
									}
								});
							continue;
						}
						await db.refund.create({
							data: {
								...{
									customerId: customers[who]!.id,
									invoiceId: id,
									currency,
									amount,
									status: 'succeeded'
								},
								...{ stripeRefundId: `re_f${refunds++}`, createdAt: refund.at }
							}
						});
					}
					const paid = invoices.filter(({ at, subtotal, tax }) => at && subtotal + tax > 0);
					const given = paid.flatMap(({ who, subtotal, tax, refund }) =>
						refund
							? [{ who, at: refund.at, amount: Math.floor(((subtotal + tax) * refund.part) / 100) }]
							: []
					);
					const agree = async (inZone: string) => {
						const cuts = await revenue(db, {
							...{ at: END, zone: inZone, currency, first: '2025-12', last: '2026-06' }
						});
						for (const part of cuts.byMonth) {
							const own = paid.filter(({ at }) => monthKey(at!, inZone) === part.key);
							const back = given.filter(({ at }) => monthKey(at, inZone) === part.key);
							expect(part).toMatchObject({
								invoices: own.length,
								paid: own.reduce((sum, { subtotal, tax }) => sum + subtotal + tax, 0),
								tax: own.reduce((sum, { tax }) => sum + tax, 0),
								refunded: back.reduce((sum, { amount }) => sum + amount, 0)
							});
						}
						const total = paid.reduce((sum, { subtotal, tax }) => sum + subtotal + tax, 0);
						expect(cuts.total.paid).toBe(total);
						for (const cut of [cuts.byMonth, cuts.byPlan, cuts.byCountry]) {
							expect(cut.reduce((sum, part) => sum + part.paid, 0)).toBe(total);
							expect(cut.reduce((sum, part) => sum + part.net, 0)).toBe(cuts.total.net);
						}
						const chile = cuts.byCountry.find(({ key }) => key === 'CL')?.paid ?? 0;
						const second = cuts.byPlan.find(({ key }) => key === plans[1]!.key)?.paid ?? 0;
						expect(chile).toBe(second);
						return cuts;
					};
					const open = await agree(zone);
					await closeMonths(END, zone);
					expect(await agree(zone)).toEqual(open);
					await agree(another);
				}
			),
			{ numRuns: 25 }
		);
	}, 60_000);

	it('counts an invoice that comes late into a month that is closed, and a refund that bounces', async () => {
		const currency = freshCurrency();
		const [customer, subscription] = [customers[0]!, subscriptions[0]!];
		const facts = { customerId: customer.id, subscriptionId: subscription.id, currency };
		const at = new Date('2026-02-10T00:00:00Z');
		const ask = async () =>
			(await revenue(db, { at: END, zone: 'UTC', currency, first: '2026-02', last: '2026-02' }))
				.total;
		await closeMonths(END, 'UTC');
		const late = await anInvoice({
			...{ ...facts, subtotal: 1_000, tax: 150, total: 1_150, amountPaid: 1_150 },
			...{ status: 'paid', paidAt: at }
		});
		expect(await ask()).toMatchObject({ invoices: 1, paid: 1_150, tax: 150, net: 1_000 });
		await closeMonths(END, 'UTC');
		expect(await ask()).toMatchObject({ invoices: 1, paid: 1_150 });
		const refund = await db.refund.create({
			data: {
				...{
					customerId: customer.id,
					invoiceId: late.id,
					currency,
					amount: 500,
					status: 'succeeded'
				},
				...{ stripeRefundId: `re_f${refunds++}`, createdAt: at }
			}
		});
		expect(await ask()).toMatchObject({ refunded: 500 });
		await closeMonths(END, 'UTC');
		await db.refund.update({ where: { id: refund.id }, data: { status: 'failed' } });
		expect(await ask()).toMatchObject({ refunded: 0 });
		await closeMonths(END, 'UTC');
		// Nothing of money changes: the month stays closed.
		await db.invoice.update({ where: { id: late.id }, data: { attemptCount: 2 } });
		expect(await closeMonths(END, 'UTC')).toEqual([]);
		await db.invoice.update({
			where: { id: late.id },
			data: { paidAt: new Date('2026-03-01T00:00:00Z') }
		});
		expect(await ask()).toMatchObject({ invoices: 0, paid: 0 });
	});
});

it('counts trials that ended and became customers, but not those that make up for a slow set-up', async () => {
	const currency = freshCurrency();
	const day = (n: number) => new Date(Date.UTC(2026, 3, n));
	const trial = async (start: number, end: number, worth: [mrr: number, day: number] | null) => {
		const row = await aSubscription({
			currency,
			mrr: 0,
			trialStart: day(start),
			trialEnd: day(end)
		});
		if (worth) await transaction((tx) => recordMovement(tx, row, worth[0], day(worth[1])));
	};
	await trial(1, 15, [4_900, 15]);
	await trial(2, 16, [2_900, 17]);
	await trial(3, 17, null);
	// Worth something before: no trial in the sense of a sale.
	await trial(10, 20, [4_900, 9]);
	// Ends later.
	await trial(20, 34, null);
	const asked = { currency, zone: 'UTC', from: day(1), to: END };
	expect(await trialsByMonth(db, asked)).toEqual(
		new Map([
			['2026-04', { ended: 3, converted: 2 }],
			['2026-05', { ended: 1, converted: 0 }]
		])
	);
});
