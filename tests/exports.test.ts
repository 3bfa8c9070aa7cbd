/**
 * Every list can be taken home as a file with exactly what its search and filters leave. The routes are found in the tree,
 * so that a new export is tried without anybody thinking of it.
 */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { entriesOf } from './access/entries.ts';
import { authenticated, paramsOf, runOf } from './access/run.ts';
import { readSources } from './architecture/source.ts';
import { aSubscription, anInvoice } from './factories/billing.ts';
import { createMember, createStaff, sessionFor } from './factories/identity.ts';
import { testDatabase } from './setup/database.ts';

await testDatabase();

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = readSources(root, ['src/routes'])
	.flatMap(entriesOf)
	.filter(({ routeId }) => routeId.endsWith('/export.csv'));
const cookies: Record<string, string> = {};
let customerId: string;

/** Rows of the file behind its head; no cell of these tests holds a line break. */
async function rowsOf(routeId: string, search = ''): Promise<string[]> {
	const entry = entries.find((found) => found.routeId === routeId);
	if (!entry) throw new Error(`${routeId} does not exist`);
	const params = await paramsOf(routeId);
	const cookie = cookies[entry.guard.kind];
	const event = await authenticated({ routeId, params, method: 'GET', cookie });
	event.url.search = search;
	const answer = await (await runOf(entry))(event);
	if (!(answer instanceof Response)) throw new Error(`${routeId} answered no response`);
	expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
	const [head, ...rows] = (await answer.text()).split('\r\n');
	expect(head?.split(',').length).toBeGreaterThan(2);
	expect(rows.pop()).toBe('');
	return rows;
}

beforeAll(async () => {
	const owner = await createMember('owner');
	customerId = owner.customerId;
	cookies.customer = (await sessionFor(owner)).cookie;
	cookies.staff = (await sessionFor({ id: (await createStaff('administrator')).id })).cookie;
});

describe('every export', () => {
	it('is found', () => {
		expect(entries.map(({ routeId }) => routeId)).toEqual(
			expect.arrayContaining([
				'/admin/tenants/export.csv',
				'/admin/infrastructure/export.csv',
				'/admin/billing/export.csv',
				'/admin/billing/subscriptions/export.csv',
				'/admin/logs/calls/export.csv',
				'/tenant/portal/activity/export.csv'
			])
		);
	});

	it.each(entries.map(({ routeId }) => [routeId]))('%s is a file with a head', async (routeId) => {
		expect((await rowsOf(routeId)).every((row) => row.includes(','))).toBe(true);
	});
});

it('holds every page of what is filtered, and nothing else', async () => {
	const { id: subscriptionId, customerId } = await aSubscription();
	const moved = (kind: 'new' | 'churn', amount: number, minute: number) => ({
		...{ customerId, subscriptionId, kind, amount, currency: 'usd' },
		at: new Date(Date.UTC(2026, 0, 1, 0, minute))
	});
	await db.mrrMovement.createMany({
		data: [
			...Array.from({ length: 230 }, (_, index) => moved('new', 4_990, index)),
			moved('churn', -4_990, 500)
		]
	});
	const route = '/admin/billing/movements/export.csv';
	expect(await rowsOf(route, '?kind=new&page=2')).toHaveLength(230);
	const [lost, ...more] = await rowsOf(route, '?kind=churn');
	expect(more).toEqual([]);
	// What it did to all that its customer is worth: 230 times 49.90 came before.
	expect(lost).toContain(',-49.9,11477,11427.1,0,USD');
	expect(await rowsOf(route, '?q=nobody-is-called-so')).toEqual([]);
});

it('says what each customer was worth at the end of each month', async () => {
	const { id: subscriptionId, customerId } = await aSubscription();
	const book = { customerId, subscriptionId, currency: 'jpy' };
	await db.mrrMovement.createMany({
		data: [
			{ ...book, kind: 'new', amount: 4_900, at: new Date('2025-11-10T12:00:00Z') },
			{ ...book, kind: 'contraction', amount: -900, at: new Date('2026-02-03T12:00:00Z') }
		]
	});
	const range = '?currency=jpy&months=3&until=2026-02';
	const [row, ...more] = await rowsOf('/admin/billing/subscribers/export.csv', range);
	expect(more).toEqual([]);
	expect(row).toContain(customerId);
	expect(row).toContain(',JPY,4900,4900,4000');
});

it('lists the subscriptions that a figure counts, and no others', async () => {
	const worthless = await aSubscription({ mrr: 0, currency: 'xof' });
	const worth = await aSubscription({ mrr: 4_900, currency: 'xof' });
	const tried = await aSubscription({
		...{ mrr: 0, currency: 'xof' },
		...{ trialStart: new Date('2026-01-01T12:00:00Z'), trialEnd: new Date('2026-01-15T12:00:00Z') }
	});
	const listed = async (filters: string) => {
		const rows = await rowsOf('/admin/billing/subscriptions/export.csv', `?currency=xof${filters}`);
		return rows.map((row) => row.split(',')[0]).toSorted();
	};
	expect(await listed('')).toEqual([worthless.id, worth.id, tried.id].toSorted());
	expect(await listed('&worth=some')).toEqual([worth.id]);
	expect(await listed('&worth=none')).toEqual([worthless.id, tried.id].toSorted());
	expect(await listed('&trial=2026-01')).toEqual([tried.id]);
	expect(await listed('&trial=2026-02')).toEqual([]);
	expect(await listed('&status=active,past_due')).toHaveLength(3);
	expect(await listed('&status=cancelled')).toEqual([]);
});

it('shows what a customer wrote as text, not as a formula', async () => {
	const { customerId } = await aSubscription();
	const companyName = '=HYPERLINK("http://evil.example")';
	await db.customer.update({ where: { id: customerId }, data: { companyName } });
	const found = (await rowsOf('/admin/billing/subscriptions/export.csv', '?q=hyperlink')).join();
	expect(found).toContain(`"'=HYPERLINK(""http://evil.example"")"`);
});

it('gives a company its own rows alone', async () => {
	await anInvoice({ customerId, number: 'OURS-1', total: 1_250 });
	await anInvoice({ number: 'THEIRS-1' });
	const invoices = await rowsOf('/tenant/portal/billing/invoices/export.csv');
	expect(invoices).toHaveLength(1);
	expect(invoices[0]).toMatch(/^OURS-1,.*,12\.5,0,USD$/);

	const actor = { kind: 'member' as const, id: null, label: 'ana@example.com' };
	for (const whose of [customerId, (await createMember()).customerId])
		await audit(db, {
			actor,
			action: 'tenants.suspend',
			subject: { type: 'tenant', id: whose },
			customerId: whose
		});
	const done = await rowsOf('/tenant/portal/activity/export.csv');
	expect(done.filter((row) => row.includes('ana@example.com'))).toHaveLength(1);
	expect(await rowsOf('/tenant/portal/team/export.csv')).toHaveLength(1);
});
