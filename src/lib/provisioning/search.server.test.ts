import { expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { HOUR, now } from '#lib/core/clock.server.ts';
import { listContainers } from '#lib/infrastructure/containers/containerList.server.ts';
import type { Isolation, SagaStatus } from '#prisma/generated/enums.ts';
import { anInvoice } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { createCluster, createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { searchCustomers, searchInvoiceNumbers, searchTenants } from './search.server.ts';
import { countAhead, somebodyIsFirst } from './turns.server.ts';
import { countWaiting, expectedAt, listWaiting, waitHistories } from './waiting.server.ts';

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

it('lets who paid first wait first for its kind of place, a page at a time, and says until when', async () => {
	const paid = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour));
	async function waits(slug: string, isolation: Isolation, hour: number, status: SagaStatus) {
		const { id } = await createUnplacedTenant(db, { slug, isolation });
		const queuedAt = paid(hour);
		await db.tenant.update({ where: { id }, data: { status: 'waiting_capacity', queuedAt } });
		const run = { saga: 'tenants.create', subjectId: id, status, state: {} };
		await db.provisioningJob.create({ data: run });
		return { id, isolation, queuedAt };
	}
	await waits('second', 'dedicated', 2, 'waiting');
	const third = await waits('third', 'dedicated', 3, 'queued');
	await waits('first', 'dedicated', 1, 'running');
	const alone = await waits('alone', 'shared', 4, 'waiting');
	// Its money is on its way back: room goes to others.
	await waits('undone', 'dedicated', 0, 'compensating');
	const look = (more: Partial<Parameters<typeof listWaiting>[1]> = {}) =>
		listWaiting(db, {
			...{ q: '', filters: {}, sort: { direction: 'asc' }, page: 1, pageSize: 3, cursor: null },
			...more
		});
	const first = await look();
	expect(first.rows).toMatchObject([
		{ slug: 'undone', position: null, until: null },
		{ slug: 'first', position: 1, since: paid(1), until: new Date(paid(1).getTime() + 72 * HOUR) },
		{ slug: 'second', position: 2 }
	]);
	expect(first.meta.total).toBe(5);
	expect((await look({ cursor: first.meta.next })).rows).toMatchObject([
		{ slug: 'third', position: 3 },
		{ slug: 'alone', position: 1, isolation: 'shared' }
	]);
	// A turn is one among all of its kind, whatever is shown, and what placement and the customer go by.
	expect((await look({ q: 'THIRD' })).rows).toMatchObject([{ position: 3 }]);
	expect((await look({ sort: { direction: 'desc' } })).rows[0]).toMatchObject({ slug: 'alone' });
	expect((await look({ filters: { waits_for: 'no-such' } })).rows).toEqual([]);
	expect([await countAhead(db, third), await countAhead(db, alone)]).toEqual([2, 0]);
	expect([await somebodyIsFirst(db, third), await somebodyIsFirst(db, alone)]).toEqual([
		...[true, false]
	]);
	expect(await countWaiting(db)).toEqual({ dedicated: 3, shared: 1 });
});

it('says of who waits when there may be room, as far as past waits for its kind of place tell', async () => {
	const at = now().getTime();
	const ago = (hours: number) => new Date(at - hours * HOUR);
	async function waited(isolation: Isolation, hours: number) {
		const tenant = await createUnplacedTenant(db, { isolation });
		const data = { queuedAt: ago(hours + 24) };
		await db.tenant.update({ where: { id: tenant.id }, data });
		const run = { saga: 'tenants.create', subjectId: tenant.id, state: { toldNoRoom: true } };
		const place = { name: 'place', position: 0, status: 'done', finishedAt: ago(24) } as const;
		await db.provisioningJob.create({
			data: { ...run, status: 'succeeded', steps: { create: place } }
		});
		return tenant;
	}
	expect(await waitHistories(db)).toEqual({});
	for (const hours of [1, 1, 2]) await waited('dedicated', hours);
	// It waited for a shared place, and has its own since.
	const { id: tenantId, customerId } = await waited('dedicated', 50);
	const { id: containerId } = await db.container.findFirstOrThrow();
	await db.tenantMigration.create({
		data: {
			...{ tenantId, customerId, fromContainerId: containerId, status: 'succeeded' },
			...{ fromIsolation: 'shared', toIsolation: 'dedicated', byLabel: 'ana' }
		}
	});
	const histories = await waitHistories(db);
	expect(histories).toMatchObject({
		dedicated: { count: 3, medianSeconds: 3600 },
		shared: { count: 1, medianSeconds: 50 * 3600 }
	});
	const waits = { dedicated: { count: 9, medianSeconds: 3600, p90Seconds: 7200 } };
	const expected = (hours: number, isolation: Isolation = 'dedicated') =>
		expectedAt(waits, { isolation, since: ago(hours), position: 1 });
	expect(expected(0, 'shared')).toBeNull();
	expect(expected(0.5)!.getTime()).toBeCloseTo(ago(-0.5).getTime(), -3);
	expect(expected(1.5)!.getTime()).toBeCloseTo(ago(-0.5).getTime(), -3);
	expect(expected(3)).toBeNull();
	expect(expectedAt(waits, { isolation: 'dedicated', since: ago(0), position: null })).toBeNull();
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
