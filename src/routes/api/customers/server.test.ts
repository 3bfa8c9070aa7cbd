import { expect, it } from 'vitest';
import { requestEvent } from '../../../../tests/access/event.ts';
import { aSubscription, anInvoice } from '../../../../tests/factories/billing.ts';
import { bearerFor, createStaff } from '../../../../tests/factories/identity.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { handle } from '../../../hooks.server.ts';
import type { EndpointHandler } from '#lib/identity/endpoint.server.ts';
import { db } from '#lib/core/db.server.ts';
import * as list from './+server.ts';
import * as one from './[id]/+server.ts';
import * as domains from './[id]/domains/+server.ts';
import * as invoices from './[id]/invoices/+server.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });

const SCOPES = ['customers:read', 'customers:write', 'customers:delete', 'billing:read'];
const authorization = await bearerFor(await createStaff('administrator'), SCOPES);

interface Answer {
	success: boolean;
	error?: string;
	detail?: string;
	fields?: Record<string, string>;
	data?: Record<string, unknown> & Record<string, unknown>[];
	meta?: { total: number | null; next: string | null; page: number };
}

async function send(
	handler: EndpointHandler,
	method: string,
	asked: { id?: string; body?: unknown; search?: string; route?: string; key?: string } = {}
): Promise<Answer & { status: number }> {
	const event = requestEvent({
		routeId: asked.route ?? (asked.id ? '/api/customers/[id]' : '/api/customers'),
		params: asked.id ? { id: asked.id } : {},
		method,
		headers: {
			authorization,
			'content-type': 'application/json',
			...(asked.key && { 'idempotency-key': asked.key })
		},
		...(asked.body !== undefined && { body: JSON.stringify(asked.body) })
	});
	event.url.search = asked.search ?? '';
	const response = await handle({
		event,
		resolve: async (resolved) => handler(resolved as Parameters<EndpointHandler>[0])
	});
	return { status: response.status, ...((await response.json()) as Answer) };
}

it('makes, reads, changes and deletes a customer, in snake case and in the envelope', async () => {
	const body = {
		company_name: 'Por API',
		email: 'API@example.com',
		country: 'ec',
		tax_id: '1790016919001'
	};
	const made = await send(list.POST, 'POST', { body, key: 'once' });
	expect(made).toMatchObject({
		status: 201,
		success: true,
		data: {
			...{ company_name: 'Por API', full_name: 'Por API', email: 'api@example.com' },
			...{ country: 'EC', tax_id_type: 'ec_ruc', status: 'pending', plan: null, version: 1 }
		}
	});
	const again = await send(list.POST, 'POST', { body, key: 'once' });
	expect(again.data?.id).toBe(made.data?.id);
	const id = String(made.data?.id);
	expect((await send(one.GET, 'GET', { id })).data).toEqual(made.data);

	const patched = await send(one.PATCH, 'PATCH', { id, body: { version: 1, city: 'Quito' } });
	expect(patched).toMatchObject({ status: 200, data: { city: 'Quito', version: 2 } });
	const late = await send(one.PATCH, 'PATCH', { id, body: { version: 1, city: 'Loja' } });
	expect(late).toMatchObject({
		status: 409,
		error: 'CHANGED_MEANWHILE',
		fields: { city: expect.stringContaining('Quito') }
	});
	expect(await send(one.PATCH, 'PATCH', { id, body: { city: 'Loja' } })).toMatchObject({
		status: 400,
		fields: { version: expect.any(String) }
	});
	expect(
		await send(one.PATCH, 'PATCH', { id, body: { version: 2, email: 'no', status: 'active' } })
	).toMatchObject({ status: 400, error: 'BAD_INPUT' });

	const subscription = await aSubscription({ customerId: id });
	expect(await send(one.DELETE, 'DELETE', { id })).toMatchObject({
		status: 409,
		error: 'STILL_ALIVE',
		detail: expect.stringContaining('suscripciones')
	});
	await db.subscription.update({ where: { id: subscription.id }, data: { status: 'cancelled' } });
	expect(await send(one.DELETE, 'DELETE', { id })).toMatchObject({
		status: 200,
		data: { status: 'deleted', deleted_at: expect.any(String) }
	});
	const unknown = '01900000-0000-7000-8000-000000000000';
	expect((await send(one.GET, 'GET', { id: unknown })).status).toBe(404);
	expect((await send(one.GET, 'GET', { id: 'no-id' })).status).toBe(404);
});

it('lists by search, filters, sort, page and cursor', async () => {
	for (const name of ['Alfa', 'Beta', 'Gama'])
		await send(list.POST, 'POST', {
			body: { company_name: `Lista ${name}`, email: `${name}@lista.example`, country: 'PE' }
		});
	const names = (answer: Answer) => answer.data?.map(({ company_name }) => company_name);
	const asked = '?search=lista.example&sort=company_name&order=asc&page_size=2';
	const first = await send(list.GET, 'GET', { search: asked });
	expect(names(first)).toEqual(['Lista Alfa', 'Lista Beta']);
	expect(first.meta).toMatchObject({ total: 3, page: 1 });
	const next = await send(list.GET, 'GET', { search: `${asked}&cursor=${first.meta?.next}` });
	expect(names(next)).toEqual(['Lista Gama']);
	expect(next.meta?.next).toBeNull();
	expect(names(await send(list.GET, 'GET', { search: `${asked}&page=2` }))).toEqual(['Lista Gama']);
	expect(names(await send(list.GET, 'GET', { search: '?country=PE&plan=pro' }))).toEqual([]);
	expect((await send(list.GET, 'GET', { search: '?cursor=x' })).status).toBe(400);
});

it('shows the hosts and the invoices of a customer, and nobody else’s', async () => {
	const tenant = await createUnplacedTenant(db);
	const other = await anInvoice();
	const mine = await anInvoice({ customerId: tenant.customerId, status: 'paid' });
	const id = tenant.customerId;
	const hosts = await send(domains.GET, 'GET', { id, route: '/api/customers/[id]/domains' });
	expect(hosts.data).toEqual([
		expect.objectContaining({
			tenant_id: tenant.id,
			kind: 'platform',
			domain: expect.stringContaining(tenant.slug)
		})
	]);
	const found = await send(invoices.GET, 'GET', { id, route: '/api/customers/[id]/invoices' });
	expect(found.data?.map((row) => row.id)).toEqual([mine.id]);
	expect(found.data?.map((row) => row.id)).not.toContain(other.id);
});
