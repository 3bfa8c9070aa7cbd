import { expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { HOUR, now } from '#lib/core/clock.server.ts';
import { listContainers } from '#lib/infrastructure/containers/containerList.server.ts';
import { anInvoice } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { createCluster, createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { searchCustomers, searchInvoiceNumbers, searchTenants } from './search.server.ts';
import { countWaiting, expectedAt, listWaiting } from './waiting.server.ts';

await testDatabase();
const { clusterId } = await createCluster(db);
const node = await db.node.findFirstOrThrow({ where: { clusterId } });

it('finds a tenant by whatever one has at hand', async () => {
	const tenant = await createUnplacedTenant(db, { slug: 'cacao-real' });
	await createUnplacedTenant(db, { slug: 'otra' });
	const container = await db.container.create({
		data: {
			clusterId,
			nodeId: node.id,
			vmid: 218,
			hostname: 'cacao-real',
			purpose: 'odoo',
			cpuCores: 2,
			ramMb: 4096,
			diskGb: 50,
			ipAddress: '10.10.20.38'
		}
	});
	await db.tenant.update({ where: { id: tenant.id }, data: { containerId: container.id } });
	const found = async (typed: string) => (await searchTenants(db, typed)).map(({ id }) => id);
	for (const typed of [
		'cacao',
		'cacao-real.sajet.us',
		'cacao-real@example.com',
		'218',
		'10.10.20.38'
	])
		expect(await found(typed), typed).toEqual([tenant.id]);
	expect(await found('21')).toEqual([]);
	expect(await found('%')).toEqual([]);

	const list = (q: string, filters = {}) =>
		listContainers(db, {
			q,
			filters,
			sort: { key: 'vmid', direction: 'asc' },
			page: 1,
			pageSize: 10,
			cursor: null
		});
	expect((await list('10.10.20.38')).rows).toMatchObject([
		{ vmid: 218, tenants: [{ slug: 'cacao-real' }] }
	]);
	expect((await list('', { purpose: 'template' })).rows.map(({ purpose }) => purpose)).toEqual([
		'template'
	]);
	expect((await list('', { node: 'nowhere' })).meta.total).toBe(0);
});

it('lets who paid first wait first, a page at a time, and says until when', async () => {
	const paid = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour));
	for (const [slug, hour] of [
		['second', 2],
		['third', 3],
		['first', 1]
	] as const) {
		const { id } = await createUnplacedTenant(db, { slug });
		await db.tenant.update({
			where: { id },
			data: { status: 'waiting_capacity', queuedAt: paid(hour) }
		});
	}
	const look = (more: Partial<Parameters<typeof listWaiting>[1]> = {}) =>
		listWaiting(db, {
			...{ q: '', filters: {}, sort: { direction: 'asc' }, page: 1, pageSize: 2, cursor: null },
			...more
		});
	const first = await look();
	expect(first.rows).toMatchObject([
		{ slug: 'first', position: 1, since: paid(1), until: new Date(paid(1).getTime() + 72 * HOUR) },
		{ slug: 'second', position: 2 }
	]);
	expect(first.meta.total).toBe(3);
	expect((await look({ cursor: first.meta.next })).rows).toMatchObject([
		{ slug: 'third', position: 3 }
	]);
	// A turn is one among all, whatever is shown.
	expect((await look({ q: 'THIRD' })).rows).toMatchObject([{ position: 3 }]);
	expect((await look({ sort: { direction: 'desc' } })).rows[0]).toMatchObject({ position: 3 });
	expect((await look({ filters: { waits_for: 'basic' } })).rows).toEqual([]);
	expect(await countWaiting(db)).toBe(3);
});

it('says of who waits when there may be room, as far as past waits tell', () => {
	const waits = { count: 9, medianSeconds: 3600, p90Seconds: 7200 };
	const ago = (hours: number) => new Date(now().getTime() - hours * HOUR);
	expect(expectedAt(null, ago(0))).toBeNull();
	expect(expectedAt(waits, ago(0.5))!.getTime()).toBeCloseTo(ago(-0.5).getTime(), -3);
	expect(expectedAt(waits, ago(1.5))!.getTime()).toBeCloseTo(ago(-0.5).getTime(), -3);
	expect(expectedAt(waits, ago(3))).toBeNull();
});

it('finds customers and invoices by what stands on a paper', async () => {
	const customer = await aCustomer({
		companyName: 'Molinos del Sur',
		taxId: '1790012344001',
		stripeCustomerId: 'cus_molinos'
	});
	const invoice = await anInvoice({ customerId: customer.id, number: 'MOL-0042' });
	for (const typed of ['molinos', '1790012344001', 'cus_molinos'])
		expect(await searchCustomers(db, typed), typed).toMatchObject([{ id: customer.id }]);
	expect(await searchCustomers(db, '179001234400')).toEqual([]);
	for (const typed of ['mol-0042', '0042', invoice.stripeInvoiceId!])
		expect(await searchInvoiceNumbers(db, typed), typed).toMatchObject([
			{ id: invoice.id, companyName: 'Molinos del Sur' }
		]);
	await db.customer.update({ where: { id: customer.id }, data: { status: 'deleted' } });
	expect(await searchCustomers(db, 'molinos')).toEqual([]);
});
