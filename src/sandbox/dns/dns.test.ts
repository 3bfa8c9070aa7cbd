import { promises } from 'node:dns';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { runRoute, testAccount } from '../cloudflare/testing.ts';
import { dnsControlRoutes } from './control.ts';
import { startDns } from './server.ts';

const { kernel, standIn, call, zone } = await testAccount();
const server = await startDns(kernel, { port: 0 });
afterAll(() => server.close());
const routes = dnsControlRoutes(kernel);
const control = (method: string, path: string, body: object = {}) =>
	runRoute(routes, method, `/__sandbox/dns${path}`, body);
const customer = (body: object) => control('POST', '/records', body);
const own = (body: object) => call('POST', `${zone}/dns_records`, body);
const target = `${standIn.tunnelId}.cfargotunnel.com`;

const ask = async <T>(query: (resolver: promises.Resolver) => Promise<T>) => {
	const resolver = new promises.Resolver({ timeout: 150, tries: 1 });
	resolver.setServers([`${server.host}:${server.port}`]);
	try {
		return await query(resolver);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code;
	}
};
const a = (name: string) => ask((resolver) => resolver.resolve4(name));
const cname = (name: string) => ask((resolver) => resolver.resolveCname(name));
const txt = (name: string) => ask((resolver) => resolver.resolveTxt(name));

beforeEach(() => kernel.reset());

describe('our zones', () => {
	test('a proxied record leads to the edge and hides its content', async () => {
		await own({ type: 'CNAME', name: 'acme', content: target, proxied: true });
		expect(await a('ACME.sajet.us')).toEqual(['127.0.0.1']);
		expect(await cname('acme.sajet.us')).toBe('ENODATA');
		expect(await ask((resolver) => resolver.resolve6('acme.sajet.us'))).toBe('ENODATA');
	});

	test('a record that is not proxied is as it is', async () => {
		await own({ type: 'A', name: 'plain', content: '203.0.113.9' });
		await own({ type: 'CNAME', name: 'grey', content: target });
		await own({ type: 'TXT', name: 'note', content: '"v=spf1 -all"' });
		await own({ type: 'MX', name: 'sajet.us', content: 'mail.example', priority: 7 });
		expect(await a('plain.sajet.us')).toEqual(['203.0.113.9']);
		expect(await cname('grey.sajet.us')).toEqual([target]);
		expect(await a('grey.sajet.us')).toEqual([]);
		expect(await txt('note.sajet.us')).toEqual([['v=spf1 -all']]);
		expect(await ask((resolver) => resolver.resolveMx('sajet.us'))).toEqual([
			{ exchange: 'mail.example', priority: 7 }
		]);
	});

	test('no such name and no such record are two answers, each with the SOA', async () => {
		await own({ type: 'A', name: 'deep.below', content: '203.0.113.9' });
		expect(await a('nobody.sajet.us')).toBe('ENOTFOUND');
		expect(await a('below.sajet.us')).toBe('ENODATA');
		expect(await txt('deep.below.sajet.us')).toBe('ENODATA');
		expect(await a('sajet.us')).toBe('ENODATA');
		expect(await a('nobody.org')).toBe('ENOTFOUND');
		const found = await control('GET', '/resolve?name=nobody.sajet.us&type=A');
		expect(found.body).toEqual({
			...{ code: 'NXDOMAIN', answers: [], soa: 'sajet.us', negativeTtl: 60 }
		});
	});

	test('a wildcard answers for what has no record', async () => {
		await own({ type: 'A', name: '*', content: '203.0.113.1' });
		await own({ type: 'A', name: 'own', content: '203.0.113.2' });
		expect(await a('any.thing.sajet.us')).toEqual(['203.0.113.1']);
		expect(await a('own.sajet.us')).toEqual(['203.0.113.2']);
	});

	test('a CNAME at the apex is flattened', async () => {
		await own({ type: 'CNAME', name: '@', content: 'www.sajet.us' });
		await own({ type: 'A', name: 'www', content: '203.0.113.3' });
		expect(await a('sajet.us')).toEqual(['203.0.113.3']);
		expect(await cname('sajet.us')).toBe('ENODATA');
	});
});

describe("customers' zones", () => {
	test('a CNAME to us is followed, and seen', async () => {
		await own({ type: 'CNAME', name: 'edge', content: target, proxied: true });
		await customer({ name: 'ERP.cliente.com.do', type: 'CNAME', content: 'edge.sajet.us.' });
		expect(await cname('erp.cliente.com.do')).toEqual(['edge.sajet.us']);
		expect(await a('erp.cliente.com.do')).toEqual(['127.0.0.1']);
		expect(await a('other.cliente.com.do')).toBe('ENOTFOUND');
	});

	test('a CNAME that leads to itself is a failure of the server', async () => {
		await customer({ name: 'x.cliente.com', type: 'CNAME', content: 'y.cliente.com' });
		await customer({ name: 'y.cliente.com', type: 'CNAME', content: 'x.cliente.com' });
		expect(await a('x.cliente.com')).toBe('ESERVFAIL');
	});

	test('an ALIAS gives the addresses of its target at the apex', async () => {
		await own({ type: 'CNAME', name: 'edge', content: target, proxied: true });
		await customer({ name: 'cliente.com', type: 'ALIAS', content: 'edge.sajet.us' });
		expect(await a('cliente.com')).toEqual(['127.0.0.1']);
		expect(await cname('cliente.com')).toBe('ENODATA');
	});

	test('a long TXT comes in its pieces; what is removed is gone', async () => {
		const content = 'x'.repeat(300);
		const made = await customer({ name: '_erp.cliente.com', type: 'TXT', content });
		const pieces = await txt('_erp.cliente.com');
		expect(pieces).toEqual([['x'.repeat(255), 'x'.repeat(45)]]);
		const { id } = made.body as { id: string };
		expect((await control('DELETE', `/records/${id}`)).status).toBe(200);
		expect(await txt('_erp.cliente.com')).toBe('ENOTFOUND');
		expect((await control('DELETE', `/records/${id}`)).status).toBe(404);
	});

	test('what no registrar takes is refused', async () => {
		await customer({ name: 'a.cliente.com', type: 'TXT', content: 'x' });
		for (const body of [
			{ name: 'a.cliente.com', type: 'CNAME', content: 'x.com' },
			{ name: 'single', type: 'A', content: '1.2.3.4' },
			{ name: 'b.cliente.com', type: 'NOPE', content: 'x' },
			{ name: 'b.cliente.com', type: 'A' },
			{ name: 'b.cliente.com', type: 'A', content: '1.2.3.4', zone: 'other.com' }
		]) {
			expect((await customer(body)).status).toBe(400);
		}
	});
});

describe('what a zone has besides addresses', () => {
	test('strings in quotes are several of one record, and records stay apart', async () => {
		await customer({ name: '_erp.cliente.com', type: 'TXT', content: '"one " "two"' });
		await customer({ name: '_erp.cliente.com', type: 'TXT', content: 'three' });
		expect(await txt('_erp.cliente.com')).toEqual([['one ', 'two'], ['three']]);
	});

	test('CAA, name servers and SOA', async () => {
		const caa = '0 issue "letsencrypt.org"';
		await customer({ name: 'cliente.com', type: 'CAA', content: caa });
		expect(await ask((resolver) => resolver.resolveCaa('cliente.com'))).toMatchObject([
			{ critical: 0, issue: 'letsencrypt.org' }
		]);
		expect(await ask((resolver) => resolver.resolveNs('cliente.com'))).toEqual([
			'ns1.registrar.test'
		]);
		expect(await a('ns1.registrar.test')).toEqual(['127.0.0.1']);
		await control('POST', '/zones', { name: 'cliente.com', negative_ttl: 5 });
		expect(await ask((resolver) => resolver.resolveSoa('cliente.com'))).toMatchObject({
			nsname: 'ns1.registrar.test',
			minttl: 5
		});
		await customer({ name: 'cliente.com', type: 'NS', content: 'ns1.elsewhere.net' });
		expect(await ask((resolver) => resolver.resolveNs('cliente.com'))).toEqual([
			'ns1.elsewhere.net'
		]);
		expect(await ask((resolver) => resolver.resolveNs('sajet.us'))).toContain(
			'dana.ns.cloudflare.com'
		);
	});

	test('a record is changed in its place; what does not fit its type is refused', async () => {
		const made = await customer({ name: 'a.cliente.com', type: 'A', content: '203.0.113.1' });
		const { id } = made.body as { id: string };
		expect((await control('PUT', `/records/${id}`, { content: 'nonsense' })).status).toBe(400);
		expect((await control('PUT', `/records/${id}`, { content: '203.0.113.2' })).status).toBe(200);
		expect(await a('a.cliente.com')).toEqual(['203.0.113.2']);
		for (const [type, content] of [
			['AAAA', '1.2.3.4'],
			['CAA', 'letsencrypt.org']
		]) {
			expect((await customer({ name: 'b.cliente.com', type, content })).status).toBe(400);
		}
		expect((await control('PUT', '/records/none', { content: 'x' })).status).toBe(404);
	});
});

describe('faults', () => {
	beforeEach(() => own({ type: 'A', name: 'www', content: '203.0.113.9' }));

	test.each([
		['drop', 'ETIMEOUT'],
		['status', 'ESERVFAIL'],
		['malformed', 'EBADRESP']
	] as const)('%s', async (kind, code) => {
		kernel.faults.add({ target: 'dns', kind, match: '^www\\.sajet\\.us$' });
		expect(await a('www.sajet.us')).toBe(code);
		expect(await a('www.sajet.us')).toEqual(['203.0.113.9']);
	});

	test('calls are logged with their answers', async () => {
		await a('www.sajet.us');
		expect(kernel.calls.list({ vendor: 'dns' })).toMatchObject([
			{ line: 'www.sajet.us A', status: 'NOERROR', response: 'A 203.0.113.9' }
		]);
	});
});
