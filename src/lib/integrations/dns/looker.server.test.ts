import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { dnsControlRoutes } from '../../../sandbox/dns/control.ts';
import { startDns } from '../../../sandbox/dns/server.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { unrecorded } from '../record.ts';
import { dns, type DnsConfig } from './dns.server.ts';

const kernel = new Kernel({ dataDir: null, speed: 0 });
const server = await startDns(kernel, { port: 0 });
afterAll(() => server.close());
const routes = dnsControlRoutes(kernel);
const control = async (method: string, path: string, body: object = {}) => {
	const route = routes.find((one) => one.method === method && one.path === `/__sandbox/dns${path}`);
	if (!route) throw new Error(`no route ${method} ${path}`);
	const answer = await route.run(
		{
			...{ method, path, query: new URLSearchParams(), headers: {}, host: '' },
			body: Buffer.from(JSON.stringify(body))
		},
		{}
	);
	if (answer.status >= 400) throw new Error(JSON.stringify(answer.body));
};
const has = (name: string, type: string, content: string) =>
	control('POST', '/records', { name, type, content });
const zone = (body: object) => control('POST', '/zones', { name: 'cliente.com', ...body });

const client = (config: Partial<DnsConfig> = {}) =>
	dns(
		{
			servers: [`${server.host}:${server.port}`],
			...{ timeoutMs: 150, tries: 1, allowPrivateAddresses: true },
			authoritativePort: server.port,
			...config
		},
		unrecorded
	);
const look = (fresh = false, config: Partial<DnsConfig> = {}) =>
	client(config).looker({ withinMs: 1500, fresh });
const asked = () => kernel.calls.list({ vendor: 'dns' }).map(({ line }) => line);

beforeEach(() => kernel.reset());

describe('addresses', () => {
	test('of both families, with the chain that leads to them', async () => {
		await has('www.cliente.com', 'CNAME', 'shop.cliente.com');
		await has('shop.cliente.com', 'CNAME', 'edge.other.net');
		await has('edge.other.net', 'A', '203.0.113.1');
		await has('edge.other.net', 'AAAA', '2001:db8::1');
		for (const fresh of [false, true]) {
			expect(await look(fresh).addresses('WWW.cliente.com.')).toMatchObject({
				...{ kind: 'found', a: ['203.0.113.1'], aaaa: ['2001:db8::1'] },
				cnames: ['shop.cliente.com', 'edge.other.net'],
				fresh
			});
		}
	});

	test('of IPv6 alone are found too', async () => {
		await has('www.cliente.com', 'AAAA', '2001:db8::1');
		expect(await look().addresses('www.cliente.com')).toMatchObject({ kind: 'found', a: [] });
		expect(await client().resolveAaaa('www.cliente.com')).toEqual({
			kind: 'found',
			records: ['2001:db8::1']
		});
	});

	test('a chain to nowhere says where it leads', async () => {
		await has('www.cliente.com', 'CNAME', 'gone.other.net');
		expect(await look().addresses('www.cliente.com')).toMatchObject({
			...{ kind: 'nxdomain', cnames: ['gone.other.net'] }
		});
		expect(await look(true).addresses('www.cliente.com')).toMatchObject({ kind: 'nxdomain' });
	});

	test('a circle is told from an outage', async () => {
		await has('a.cliente.com', 'CNAME', 'b.other.net');
		await has('b.other.net', 'CNAME', 'c.other.net');
		await has('c.other.net', 'CNAME', 'a.cliente.com');
		expect(await look().addresses('a.cliente.com')).toMatchObject({
			...{ kind: 'loop', cnames: ['b.other.net', 'c.other.net', 'a.cliente.com'] }
		});
		await has('self.cliente.com', 'CNAME', 'self.cliente.com');
		for (const fresh of [false, true])
			expect(await look(fresh).addresses('self.cliente.com')).toMatchObject({ kind: 'loop' });
		expect(await client().resolveA('self.cliente.com')).toEqual({
			...{ kind: 'unreachable', reason: 'ESERVFAIL' }
		});
	});
});

describe('signatures', () => {
	beforeEach(() => has('www.cliente.com', 'A', '203.0.113.1'));

	test('that do not fit are bogus, whatever the zone itself says', async () => {
		await zone({ signed: 'broken' });
		for (const fresh of [false, true])
			expect(await look(fresh).addresses('www.cliente.com')).toMatchObject({
				...{ kind: 'bogus', a: ['203.0.113.1'] }
			});
		expect(await look(true).texts('www.cliente.com')).toMatchObject({ kind: 'bogus' });
	});

	test('that fit change nothing', async () => {
		await zone({ signed: 'fine' });
		expect(await look().addresses('www.cliente.com')).toMatchObject({ kind: 'found' });
	});

	test('one failure that passes is no broken signature, and one that stays is an outage', async () => {
		const fail = (times: number) =>
			kernel.faults.add({
				target: 'dns',
				kind: 'status',
				times,
				only: (_line, bits) => /^A /.test(bits)
			});
		fail(1);
		expect(await look().addresses('www.cliente.com')).toMatchObject({ kind: 'found' });
		fail(99);
		expect(await look().addresses('www.cliente.com')).toMatchObject({
			...{ kind: 'unreachable', reason: 'ESERVFAIL' }
		});
	});
});

describe('the word of the zone itself', () => {
	test('is heard before resolvers that remember what was not there', async () => {
		await control('POST', '/negative-cache', { on: true });
		await has('www.cliente.com', 'A', '203.0.113.1');
		const name = '_erp-verify.cliente.com';
		expect(await look(true).texts(name)).toMatchObject({ kind: 'nxdomain', fresh: true });
		await has(name, 'TXT', 'token');
		expect(await look().texts(name)).toMatchObject({ kind: 'nxdomain', fresh: false });
		expect(await look(true).texts(name)).toMatchObject({ kind: 'found', records: ['token'] });
	});

	test('is not waited for when its servers are silent, lame, nameless or inside our network', async () => {
		await has('www.cliente.com', 'A', '203.0.113.1');
		const seen = { kind: 'found', a: ['203.0.113.1'], fresh: false };
		const nobody = { authoritativePort: 9 };
		expect(await look(true, nobody).addresses('www.cliente.com')).toMatchObject(seen);
		const careful = { allowPrivateAddresses: false };
		expect(await look(true, careful).addresses('www.cliente.com')).toMatchObject(seen);
		expect(asked().filter((line) => line === 'www.cliente.com A')).toHaveLength(2);
		await has('cliente.com', 'NS', 'ns.nowhere.net');
		expect(await look(true).addresses('www.cliente.com')).toMatchObject(seen);
	});

	test('of a zone whose servers do not answer anybody is an outage', async () => {
		await has('www.cliente.com', 'A', '203.0.113.1');
		await zone({ silent: true });
		expect(await look(true).addresses('www.cliente.com')).toMatchObject({
			...{ kind: 'unreachable', reason: 'ESERVFAIL' }
		});
	});
});

describe('around a name', () => {
	test('records stay apart, the strings of one are joined', async () => {
		await has('_erp.cliente.com', 'TXT', '"one" "two"');
		await has('_erp.cliente.com', 'TXT', 'three');
		expect((await look().texts('_erp.cliente.com')).records).toEqual(['onetwo', 'three']);
	});

	test('answers that do not fit into a datagram come whole', async () => {
		for (let index = 0; index < 9; index += 1)
			await has('long.cliente.com', 'TXT', `${index}${'z'.repeat(240)}`);
		expect((await look().texts('long.cliente.com')).records).toHaveLength(9);
		expect((await look(true).texts('long.cliente.com')).records).toHaveLength(9);
	});

	test('the zone is the nearest one, and nobody claims a name that nobody holds', async () => {
		await has('www.cliente.com', 'A', '203.0.113.1');
		await control('POST', '/zones', { name: 'deep.cliente.com' });
		const { zone: zoneOf, nameservers } = look();
		expect(await zoneOf('a.b.cliente.com')).toEqual({
			...{ name: 'cliente.com', nameservers: ['ns1.registrar.test'] }
		});
		expect((await zoneOf('x.deep.cliente.com'))?.name).toBe('deep.cliente.com');
		expect(await zoneOf('www.stranger.org')).toBeNull();
		expect(await nameservers('stranger.org')).toMatchObject({ kind: 'nxdomain' });
		expect((await zoneOf('acme.sajet.us'))?.nameservers).toEqual([
			...cloudflareDocument(kernel).get().zones[0]!.name_servers
		]);
		expect((await look().soa('cliente.com')).records).toMatchObject([{ minimum: 60 }]);
	});

	test.each([
		['nothing', [], null],
		['one', ['0 issue "letsencrypt.org; validationmethods=dns-01"'], ['letsencrypt.org']],
		['several', ['0 issue "PKI.goog"', '0 issue "digicert.com"'], ['digicert.com', 'pki.goog']],
		['nobody', ['0 issue ";"'], []],
		['only wildcards restricted', ['0 issuewild ";"'], null],
		['only a report address', ['0 iodef "mailto:a@cliente.com"'], null]
	])('CAA: %s', async (_what, contents, issuers) => {
		await has('www.cliente.com', 'A', '203.0.113.1');
		for (const content of contents) await has('cliente.com', 'CAA', content);
		const found = await look().caa('www.cliente.com');
		expect(found).toEqual(issuers && { at: 'cliente.com', issuers });
	});

	test('CAA: the nearest set counts, and that of the name a CNAME leads to', async () => {
		await has('cliente.com', 'CAA', '0 issue "pki.goog"');
		await has('own.cliente.com', 'CAA', '0 issue "letsencrypt.org"');
		expect(await look().caa('x.own.cliente.com')).toMatchObject({ at: 'own.cliente.com' });
		await has('www.cliente.com', 'CNAME', 'edge.other.net');
		await has('edge.other.net', 'CAA', '0 issue "sectigo.com"');
		expect(await look().caa('www.cliente.com')).toEqual({
			...{ at: 'edge.other.net', issuers: ['sectigo.com'] }
		});
	});

	test('nothing is asked twice', async () => {
		await has('www.cliente.com', 'A', '203.0.113.1');
		const one = look(true);
		await Promise.all([
			...[one.addresses('www.cliente.com'), one.addresses('www.cliente.com')],
			...[one.texts('www.cliente.com'), one.zone('www.cliente.com')]
		]);
		expect(asked().filter((line) => line === 'cliente.com NS')).toHaveLength(1);
		// Once the resolver, once the zone's own server.
		expect(asked().filter((line) => line === 'www.cliente.com A')).toHaveLength(2);
	});

	test('servers that are all silent end the look in time', async () => {
		await has('www.cliente.com', 'A', '203.0.113.1');
		kernel.faults.add({ target: 'dns', kind: 'drop', times: 999 });
		const started = performance.now();
		const quick = client({ timeoutMs: 5000, tries: 9 }).looker({ withinMs: 400, fresh: true });
		const seen = await Promise.all([
			quick.addresses('www.cliente.com'),
			quick.texts('_erp.cliente.com'),
			quick.caa('www.cliente.com'),
			quick.zone('www.cliente.com')
		]);
		expect(seen).toMatchObject([{ kind: 'unreachable' }, { kind: 'unreachable' }, null, null]);
		expect(performance.now() - started).toBeLessThan(3000);
	});

	test('a silent server is not waited for when there is another', async () => {
		await has('www.cliente.com', 'A', '203.0.113.1');
		kernel.faults.add({ target: 'dns', kind: 'drop', match: '^www', times: 1 });
		const servers = Array.from({ length: 2 }, () => `${server.host}:${server.port}`);
		const two = client({ servers, timeoutMs: 60_000 }).looker({ withinMs: 5000, fresh: false });
		expect(await two.addresses('www.cliente.com')).toMatchObject({ kind: 'found' });
	});

	test('a name that cannot be asked for is no exception', async () => {
		const name = `${'a'.repeat(80)}.cliente.com`;
		expect(await look(true).addresses(name)).toMatchObject({ kind: 'unreachable' });
	});
});
