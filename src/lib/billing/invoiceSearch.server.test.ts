import { beforeAll, describe, expect, it } from 'vitest';
import { anInvoice, aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import {
	invoiceFacets,
	invoiceFacts,
	searchInvoices,
	type InvoiceFilters
} from './invoiceSearch.server.ts';
import { invoiceTotals } from './invoiceTotals.server.ts';

await testDatabase();

const ask = (filters: InvoiceFilters = {}, q = '') => ({ filters, q });
const find = async (filters: InvoiceFilters = {}, q = '', sort = 'issued_at') => {
	const { rows } = await searchInvoices(db, {
		...ask(filters, q),
		sort: { key: sort, direction: 'desc' },
		page: 1,
		pageSize: 100,
		cursor: null
	});
	return rows.map(({ number }) => number);
};
let pro: string;
const at = (text: string) => new Date(text);

beforeAll(async () => {
	const plan = await aPlan({ key: 'pro-facturas' });
	pro = plan.key;
	const andina = await aCustomer({ companyName: 'Comercial Andina', country: 'EC' });
	const chilena = await aCustomer({ companyName: 'Minera del Norte', country: 'CL' });
	const subscription = await aSubscription({ customerId: andina.id, planId: plan.id });
	const facts = { customerId: andina.id, subscriptionId: subscription.id };
	await anInvoice({
		...facts,
		number: 'A-0001',
		createdAt: at('2026-01-15T12:00:00Z'),
		paidAt: at('2026-01-15T12:00:00Z')
	});
	// 23:30 of the 31st in Guayaquil is the next month in UTC.
	await anInvoice({
		...facts,
		number: 'A-0002',
		createdAt: at('2026-02-01T04:30:00Z'),
		paidAt: at('2026-02-01T04:30:00Z')
	});
	await anInvoice({
		...facts,
		number: 'A-0003',
		createdAt: new Date('2026-03-10T12:00:00Z'),
		status: 'open',
		amountPaid: 0,
		amountRemaining: 4_900,
		attemptCount: 1
	});
	await anInvoice({
		customerId: chilena.id,
		number: 'B-0001',
		currency: 'clp',
		total: 45_000,
		subtotal: 45_000,
		amountPaid: 45_000,
		refundedAmount: 5_000,
		creditedAmount: 5_000,
		createdAt: new Date('2026-02-10T12:00:00Z')
	});
	await anInvoice({
		customerId: chilena.id,
		number: 'B-0002',
		currency: 'clp',
		total: 1_000,
		status: 'open',
		amountPaid: 0,
		amountRemaining: 1_000,
		createdAt: new Date('2026-03-11T12:00:00Z')
	});
});

describe('the list of everybody’s invoices', () => {
	it.each<[InvoiceFilters, string, string[]]>([
		[{}, '', ['B-0002', 'A-0003', 'B-0001', 'A-0002', 'A-0001']],
		[{}, 'andina', ['A-0003', 'A-0002', 'A-0001']],
		[{}, '0001', ['B-0001', 'A-0001']],
		[{}, 'a-0002', ['A-0002']],
		[{}, '%', []],
		[{ status: 'open' }, '', ['B-0002', 'A-0003']],
		[{ status: 'late' }, '', ['A-0003']],
		[{ status: 'paid', currency: 'CLP' }, '', ['B-0001']],
		[{ country: 'ec' }, '', ['A-0003', 'A-0002', 'A-0001']],
		[{ from: '2026-01-31', to: '2026-01-31' }, '', ['A-0002']],
		[{ from: '2026-02-01' }, '', ['B-0002', 'A-0003', 'B-0001']],
		[{ paid: '2026-01' }, '', ['A-0002', 'A-0001']],
		[{ paid: '2026-02' }, '', []],
		[{ paid: '2026-13' }, '', ['B-0002', 'A-0003', 'B-0001', 'A-0002', 'A-0001']],
		[{ from: 'ayer' }, '', ['B-0002', 'A-0003', 'B-0001', 'A-0002', 'A-0001']]
	])('%j %s', async (filters, q, numbers) => {
		expect(await find(filters, q)).toEqual(numbers);
	});

	it('knows the plan that an invoice was for', async () => {
		expect(await find({ plan: pro })).toEqual(['A-0003', 'A-0002', 'A-0001']);
		expect(await find({ plan: 'ninguno' })).toEqual([]);
	});

	it('says of each whose it is and what is stored', async () => {
		const stored = await db.invoice.findMany({
			orderBy: { createdAt: 'desc' },
			select: {
				...{ ...invoiceFacts, planKey: true, subscriptionId: true },
				customer: { select: { id: true, companyName: true, email: true, country: true } },
				subscription: { select: { plan: { select: { name: true } } } }
			}
		});
		const { rows } = await searchInvoices(db, {
			...{ ...ask(), sort: { key: 'issued_at', direction: 'desc' } },
			...{ page: 1, pageSize: 100, cursor: null }
		});
		expect(rows).toEqual(
			stored.map(({ customer: { id, ...customer }, subscription, ...facts }) => ({
				...{ ...facts, ...customer, customerId: id },
				plan: subscription?.plan.name ?? null
			}))
		);
		expect(rows.map(({ subscriptionId }) => subscriptionId === null)).toContain(true);
	});

	it('sorts by what is owed', async () => {
		expect((await find({ status: 'open' }, '', 'remaining'))[0]).toBe('A-0003');
	});

	it('offers what there is to narrow it down by', async () => {
		const { currencies, countries, plans } = await invoiceFacets();
		expect(currencies.toSorted()).toEqual(['clp', 'usd']);
		expect(countries.toSorted()).toEqual(['CL', 'EC']);
		expect(plans.map(({ key }) => key)).toEqual([pro]);
	});
});

async function expectThoseOfTheRows(filters: InvoiceFilters, q: string): Promise<void> {
	const numbers = await find(filters, q);
	const rows = await db.invoice.findMany({ where: { number: { in: numbers.map(String) } } });
	const expected = ['usd', 'clp'].flatMap((currency) => {
		const own = rows.filter((row) => row.currency === currency);
		const sum = (
			key: 'total' | 'amountPaid' | 'amountRemaining' | 'creditedAmount' | 'refundedAmount'
		) => own.reduce((all, row) => all + row[key], 0);
		if (own.length === 0) return [];
		return [
			{
				currency,
				invoices: own.length,
				total: sum('total'),
				paid: sum('amountPaid'),
				remaining: sum('amountRemaining'),
				credited: sum('creditedAmount'),
				refunded: sum('refundedAmount')
			}
		];
	});
	const totals = await invoiceTotals(db, ask(filters, q));
	expect(totals).toHaveLength(expected.length);
	expect(totals).toEqual(expect.arrayContaining(expected));
}

describe('the totals of what is filtered', () => {
	// However they are come by, they are those of the rows.
	it.each<[InvoiceFilters, string]>([
		[{}, ''],
		[{ status: 'open' }, ''],
		[{ status: 'late' }, ''],
		[{ country: 'CL', status: 'paid' }, ''],
		[{ from: '2026-01-31' }, ''],
		[{ to: '2026-02-10' }, ''],
		[{ from: '2026-01-10', to: '2026-03-10' }, ''],
		[{ from: '2026-02-10', to: '2026-02-10' }, ''],
		[{ paid: '2026-01' }, ''],
		[{ paid: '2026-02' }, ''],
		[{ paid: '2026-01', plan: 'pro-facturas', country: 'EC', status: 'paid' }, ''],
		[{ paid: '2026-01', to: '2026-01-20' }, ''],
		[{ currency: 'clp' }, ''],
		[{}, 'minera'],
		[{ status: 'void' }, '']
	])('%j %s', async (filters, q) => {
		await expectThoseOfTheRows(filters, q);
	});

	it.each(['2026-01', '2026-02'])('paid in %s, where a month begins sooner', async (paid) => {
		await db.setting.create({
			data: { key: 'general.timezone', category: 'general', value: 'Europe/Madrid' }
		});
		forgetSettings();
		// 00:30 of 1 February in Madrid.
		const { id } = await anInvoice({
			number: 'D-0001',
			createdAt: at('2026-01-31T23:30:00Z'),
			paidAt: at('2026-01-31T23:30:00Z')
		});
		expect((await find({ paid })).includes('D-0001')).toBe(paid === '2026-02');
		await expectThoseOfTheRows({ paid }, '');
		await db.invoice.delete({ where: { id } });
		await db.setting.deleteMany({ where: { key: 'general.timezone' } });
		forgetSettings();
	});

	it('follow a row that changes, and one that goes', async () => {
		const { id } = await anInvoice({
			number: 'C-0001',
			currency: 'eur',
			total: 100,
			amountPaid: 100
		});
		const of = async () => (await invoiceTotals(db, ask({ currency: 'eur' })))?.[0];
		expect(await of()).toMatchObject({ invoices: 1, total: 100, refunded: 0 });
		await db.invoice.update({ where: { id }, data: { refundedAmount: 40 } });
		expect(await of()).toMatchObject({ invoices: 1, total: 100, refunded: 40 });
		const paidIn = async (paid: string) =>
			(await invoiceTotals(db, ask({ currency: 'eur', paid }))) ?? [];
		for (const [month, other] of [
			['2026-04', '2026-05'],
			['2026-05', '2026-04']
		] as const) {
			await db.invoice.update({ where: { id }, data: { paidAt: at(`${month}-10T12:00:00Z`) } });
			expect(await paidIn(month)).toMatchObject([{ invoices: 1, total: 100 }]);
			expect(await paidIn(other)).toEqual([]);
		}
		await db.invoice.update({ where: { id }, data: { status: 'void', amountPaid: 0 } });
		expect(
			(await invoiceTotals(db, ask({ currency: 'eur', status: 'paid' })))?.[0]
		).toBeUndefined();
		await db.invoice.delete({ where: { id } });
		expect(await of()).toBeUndefined();
	});
});
