import { beforeEach, expect, it } from 'vitest';
import { requestEvent } from '../../../../tests/access/event.ts';
import { bearerFor, createStaff } from '../../../../tests/factories/identity.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { aPublishedDomain } from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { handle } from '../../../hooks.server.ts';
import type { EndpointHandler } from '#lib/identity/endpoint.server.ts';
import { db } from '#lib/core/db.server.ts';
import type { DomainJson } from '#lib/domains/custom/domainJson.server.ts';
import * as list from './+server.ts';
import * as one from './[domain]/+server.ts';
import * as activate from './[domain]/activate/+server.ts';
import * as deactivate from './[domain]/deactivate/+server.ts';
import * as primary from './[domain]/primary/+server.ts';
import * as verify from './[domain]/verify/+server.ts';
import * as check from './check/[domain]/+server.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });

const authorization = await bearerFor(await createStaff('administrator'), [
	'domains:read',
	'domains:write'
]);

interface Answer<T> {
	status: number;
	success: boolean;
	error?: string;
	detail?: string;
	fields?: Record<string, string>;
	data: T;
	meta?: { total: number | null; next: string | null };
}

/** @param route below `/api/domains` */
async function send<T = DomainJson>(
	handler: EndpointHandler,
	method: string,
	asked: { route?: string; domain?: string; body?: unknown; search?: string } = {}
): Promise<Answer<T>> {
	const event = requestEvent({
		routeId: `/api/domains${asked.route ?? ''}`,
		params: asked.domain === undefined ? {} : { domain: asked.domain },
		method,
		headers: { authorization, 'content-type': 'application/json' },
		...(asked.body !== undefined && { body: JSON.stringify(asked.body) })
	});
	event.url.search = asked.search ?? '';
	const response = await handle({
		event,
		resolve: async (resolved) => handler(resolved as Parameters<EndpointHandler>[0])
	});
	return { status: response.status, ...((await response.json()) as Omit<Answer<T>, 'status'>) };
}

const add = (body: unknown) => send(list.POST, 'POST', { body });
const read = (domain: string) => send(one.GET, 'GET', { route: '/[domain]', domain });

let tenant: Awaited<ReturnType<typeof createUnplacedTenant>>;
let n = 0;
/** A name that no other test has. */
let name: string;
beforeEach(async () => {
	tenant = await createUnplacedTenant(db);
	name = `prueba${(n += 1)}.com.ec`;
});

it('adds a domain with its www, says what to set, and finds it however it is written', async () => {
	const added = await add({
		domain: `HTTPS://${name.toUpperCase()}./`,
		tenant: tenant.slug,
		with_www: true
	});
	expect(added).toMatchObject({ status: 202, success: true });
	const { data } = added;
	expect(data).toMatchObject({
		...{ domain: name, unicode: name, status: 'pending', driver: 'custom_hostname' },
		...{ primary: false, redirect_to: null, findings: [], checked_at: null },
		tenant: { id: tenant.id, subdomain: tenant.slug },
		ownership: { txt_name: `_erp-verify.${name}`, verified_at: null },
		certificate: { status: 'none', issuer: null, expires_at: null }
	});
	expect(data.platform_host).toMatch(new RegExp(`^${tenant.slug}\\.`));
	const token = { type: 'TXT', name: data.ownership.txt_name, value: data.ownership.txt_value };
	expect(data.records).toContainEqual(token);
	expect(data.records).toContainEqual(expect.objectContaining({ name, type: 'ALIAS' }));
	for (const written of [name.toUpperCase(), `${name}.`, `https://${name}/web`, data.id])
		expect((await read(written)).data.id).toBe(data.id);
	const www = (await read(`www.${name}`)).data;
	expect(www).toMatchObject({ redirect_to: name, ownership: data.ownership });
	const jobs = await db.customDomain.findMany({ where: { tenantId: tenant.id } });
	expect(jobs).toHaveLength(2);
});

it('stores names of other scripts as the DNS writes them, and shows them as people do', async () => {
	const { data } = await add({ domain: `Ñandú${n}.com`, tenant: tenant.id });
	expect(data).toMatchObject({ unicode: `ñandú${n}.com` });
	expect(data.domain).toMatch(/^xn--/);
	expect((await read(`ÑANDÚ${n}.com`)).data.id).toBe(data.id);
	const found = await send<DomainJson[]>(list.GET, 'GET', {
		search: `?search=${encodeURIComponent(`ñandú${n}`)}`
	});
	expect(found.data.map(({ id }) => id)).toEqual([data.id]);
});

it('refuses what is no domain, what is ours, and what is there already, each with its sentence', async () => {
	const base = await db.baseDomain.findFirstOrThrow();
	const refused = async (domain: string) => add({ domain, tenant: tenant.id });
	for (const domain of ['*.acme.com', '10.0.0.1', 'localhost', 'com.ec', `otro.${base.name}`]) {
		const answer = await refused(domain);
		expect(answer).toMatchObject({ status: 400, error: 'DOMAIN_INVALID' });
		expect(answer.detail).toContain(domain);
	}
	await add({ domain: name, tenant: tenant.id });
	expect(await refused(name)).toMatchObject({ status: 409, error: 'DOMAIN_EXISTS' });
	expect(await db.customDomain.count({ where: { tenantId: tenant.id } })).toBe(1);
});

it('asks for the instance where it is not clear which one is meant', async () => {
	const customer_id = tenant.customerId;
	expect((await add({ domain: name })).fields).toHaveProperty('tenant');
	expect((await add({ domain: name, tenant: 'no-such-tenant' })).fields).toHaveProperty('tenant');
	const one = await add({ domain: name, customer_id });
	expect(one.data.tenant.id).toBe(tenant.id);
	const other = await createUnplacedTenant(db);
	await db.tenant.update({ where: { id: other.id }, data: { status: 'deleted' } });
	const none = await add({ domain: `a.${name}`, customer_id: other.customerId });
	expect(none.fields).toHaveProperty('customer_id');
	// Somebody else's instance is none of this customer's.
	const foreign = await createUnplacedTenant(db);
	const mixed = await add({ domain: `b.${name}`, customer_id, tenant: foreign.slug });
	expect(mixed.fields).toHaveProperty('tenant');
});

it('says whether a name can be added, and never whose it is', async () => {
	const asked = (domain: string) =>
		send<Record<string, unknown>>(check.GET, 'GET', { route: '/check/[domain]', domain });
	expect((await asked(`WWW.${name}.`)).data).toEqual({
		...{ domain: `www.${name}`, unicode: `www.${name}`, available: true, reason: null },
		...{ sentence: null, apex: false, sibling: name, registrable: name, taken_by_us: false }
	});
	await aPublishedDomain(db, tenant, name, { verifiedAt: null, status: 'pending' });
	// A claim alone holds nobody up.
	expect((await asked(name)).data).toMatchObject({ available: true, apex: true });
	await db.customDomain.updateMany({ where: { hostname: name }, data: { verifiedAt: new Date() } });
	const taken = await asked(name);
	expect(taken.data).toMatchObject({ available: false, reason: 'taken', taken_by_us: true });
	expect(JSON.stringify(taken.data)).not.toContain(tenant.slug);
	expect((await asked('*.acme.com')).data).toMatchObject({ available: false, reason: 'wildcard' });
	expect((await asked('%00')).status).toBe(200);
});

it('switches off and on, makes primary and back, and takes away', async () => {
	const { id } = await aPublishedDomain(db, tenant, name);
	const act = (handler: EndpointHandler, verb: string, method = 'POST') =>
		send(handler, method, { route: `/[domain]/${verb}`, domain: name });
	expect((await act(primary.POST, 'primary')).data).toMatchObject({ primary: true });
	expect((await act(primary.DELETE, 'primary', 'DELETE')).data).toMatchObject({ primary: false });
	expect((await act(deactivate.POST, 'deactivate')).data).toMatchObject({ status: 'inactive' });
	expect(await act(verify.POST, 'verify')).toMatchObject({ status: 409, error: 'WRONG_STATE' });
	expect((await act(activate.POST, 'activate')).data).toMatchObject({ status: 'active' });
	expect((await act(verify.POST, 'verify')).status).toBe(202);
	const removed = await send(one.DELETE, 'DELETE', { route: '/[domain]', domain: name });
	expect(removed).toMatchObject({ status: 202, data: { id, status: 'removed' } });
	expect(await read(name)).toMatchObject({ status: 404, error: 'DOMAIN_NOT_FOUND' });
	expect(await read(id)).toMatchObject({ status: 404 });
	const acts = await db.auditEntry.findMany({ where: { subjectId: id }, orderBy: { at: 'asc' } });
	expect(acts.map(({ action }) => action)).toEqual([
		...['domains.make-primary', 'domains.end-primary', 'domains.deactivate', 'domains.activate'],
		'domains.remove'
	]);
});

it('lists by state, certificate, customer and what is typed, page by page', async () => {
	const soon = new Date(Date.now() + 5 * 86_400_000);
	const names = ['alfa', 'beta', 'gama'].map((word) => `${word}.${name}`);
	for (const [index, hostname] of names.entries())
		await aPublishedDomain(db, tenant, hostname, {
			...(index === 1 && { status: 'error', certificate: 'error' }),
			...(index === 2 && { certificate: 'active', certificateExpiresAt: soon })
		});
	const mine = `customer_id=${tenant.customerId}&sort=domain&order=asc`;
	const listed = async (search: string) => {
		const { data, meta } = await send<DomainJson[]>(list.GET, 'GET', { search: `?${search}` });
		return { names: data.map(({ domain }) => domain), meta };
	};
	expect((await listed(mine)).names).toEqual(names);
	expect((await listed(`${mine}&status=error,pending`)).names).toEqual([names[1]]);
	expect((await listed(`${mine}&certificate=expiring`)).names).toEqual([names[2]]);
	expect((await listed(`${mine}&certificate=error`)).names).toEqual([names[1]]);
	expect((await listed(`${mine}&driver=edge`)).names).toEqual([]);
	expect((await listed(`search=${tenant.slug}&sort=certificate&order=asc`)).names[0]).toBe(
		names[2]
	);
	const first = await listed(`${mine}&page_size=2`);
	expect(first).toMatchObject({ names: names.slice(0, 2), meta: { total: 3 } });
	const next = await listed(`${mine}&page_size=2&cursor=${first.meta?.next}`);
	expect(next.names).toEqual([names[2]]);
});
