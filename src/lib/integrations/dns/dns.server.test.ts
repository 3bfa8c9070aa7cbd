import { createServer as createHttp } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cloudflareDocument, zoneIdOf, type DnsRecord } from '../../../sandbox/cloudflare/state.ts';
import { startDns } from '../../../sandbox/dns/server.ts';
import { dnsDocument, type CustomerRecordType } from '../../../sandbox/dns/zones.ts';
import { startEdge } from '../../../sandbox/edge/server.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { unrecorded, type RecordedCall } from '../record.ts';
import { dns } from './dns.server.ts';

const kernel = new Kernel({ dataDir: null, speed: 0 });
const server = await startDns(kernel, { port: 0 });
const edge = await startEdge(kernel, { port: 0 });
const closing: Server[] = [];
afterAll(async () => {
	await server.close();
	await edge.close();
	for (const one of closing) one.close();
});
const servers = [`${server.host}:${server.port}`];
const quick = { servers, timeoutMs: 150, tries: 1, allowPrivateAddresses: true };
const client = dns(quick, unrecorded);

const own = (name: string, type: string, content: string, proxied = false): void => {
	const record: DnsRecord = {
		...{ id: name, zone_id: zoneIdOf('sajet.us'), name, type, content, proxied, proxiable: true },
		...{ ttl: 1, comment: null, tags: [], settings: {}, created_on: '', modified_on: '' }
	};
	cloudflareDocument(kernel).get().records.push(record);
};
const customer = (name: string, type: CustomerRecordType, content: string): void => {
	dnsDocument(kernel)
		.get()
		.zones.push({ name: 'cliente.com', records: [{ id: name, name, type, content, ttl: 60 }] });
};
/** A port of loopback where something else than HTTP happens. */
const listen = async (one: Server): Promise<number> => {
	await new Promise<void>((listening) => one.listen(0, '127.0.0.1', listening));
	closing.push(one);
	return (one.address() as AddressInfo).port;
};

beforeEach(() => kernel.reset());

describe('resolving', () => {
	test('found, no such name, and no such record are told apart', async () => {
		own('acme.sajet.us', 'CNAME', 'x.cfargotunnel.com', true);
		own('txt.sajet.us', 'TXT', 'y'.repeat(300));
		customer('erp.cliente.com', 'CNAME', 'ACME.sajet.us.');
		expect(await client.resolveA('acme.sajet.us')).toEqual({
			kind: 'found',
			records: ['127.0.0.1']
		});
		expect(await client.resolveCname('erp.cliente.com')).toEqual({
			kind: 'found',
			records: ['acme.sajet.us']
		});
		expect(await client.resolveTxt('txt.sajet.us')).toEqual({
			kind: 'found',
			records: ['y'.repeat(300)]
		});
		expect(await client.resolveCname('acme.sajet.us')).toEqual({ kind: 'nodata' });
		expect(await client.resolveA('nobody.sajet.us')).toEqual({ kind: 'nxdomain' });
	});

	test('a CNAME that ends nowhere has no address', async () => {
		own('grey.sajet.us', 'CNAME', 'x.cfargotunnel.com');
		expect(await client.resolveA('grey.sajet.us')).toEqual({ kind: 'nodata' });
	});

	test.each([
		['drop', 'ETIMEOUT'],
		['status', 'ESERVFAIL'],
		['malformed', 'EBADRESP']
	] as const)('%s is unreachable, not "no such name"', async (kind, reason) => {
		own('www.sajet.us', 'A', '203.0.113.9');
		kernel.faults.add({ target: 'dns', kind });
		expect(await client.resolveA('www.sajet.us')).toEqual({ kind: 'unreachable', reason });
		expect(await client.resolveA('www.sajet.us')).toMatchObject({ kind: 'found' });
	});

	test('a change is seen at once, and the second server answers for the first', async () => {
		own('www.sajet.us', 'A', '203.0.113.9');
		await client.resolveA('www.sajet.us');
		cloudflareDocument(kernel).get().records[0]!.content = '203.0.113.10';
		const gone = await startDns(kernel, { port: 0 });
		await gone.close();
		const both = dns({ ...quick, servers: [`127.0.0.1:${gone.port}`, ...servers] }, unrecorded);
		expect(await both.resolveA('www.sajet.us')).toEqual({
			kind: 'found',
			records: ['203.0.113.10']
		});
	});

	test('needs a server', () => {
		expect(() => dns({ servers: [] }, unrecorded)).toThrow('at least one server');
	});
});

test('sharedFetch sends the hosts of a zone over one connection, and resolves each', async () => {
	own('acme.sajet.us', 'A', '127.0.0.1');
	own('beta.sajet.us', 'A', '127.0.0.1');
	let connections = 0;
	const server = createHttp((request, response) => response.end(request.headers.host));
	server.on('connection', () => (connections += 1));
	const port = await listen(server);
	const shared = client.sharedFetch();
	const open = (host: string) =>
		shared.fetch({ url: `http://${host}.sajet.us/x`, port, zone: 'sajet.us' });
	for (const host of ['acme', 'beta', 'acme'])
		expect(await open(host)).toMatchObject({
			...{ kind: 'answered', status: 200, body: `${host}.sajet.us` }
		});
	expect(await open('nobody')).toMatchObject({ kind: 'unreachable', reason: 'nxdomain' });
	await shared.close();
	expect(connections).toBe(1);
});

describe('publicFetch', () => {
	const url = () => `http://acme.sajet.us:${edge.port}/web/login?db=acme`;

	beforeEach(() => {
		kernel.network.serve(() => async ({ host, target }) => ({
			status: 303,
			headers: { location: '/elsewhere', 'set-cookie': ['a=1', 'b=2'] },
			body: `${host} ${target}`
		}));
		own('acme.sajet.us', 'CNAME', 'c.sajet.us', true);
		own('c.sajet.us', 'A', '198.51.100.1', true);
	});

	test('reaches the name at the address of the public DNS, and follows no redirect', async () => {
		expect(await client.publicFetch({ url: url() })).toMatchObject({
			kind: 'answered',
			status: 303,
			addresses: ['127.0.0.1'],
			headers: { location: '/elsewhere', server: 'cloudflare' },
			body: 'acme.sajet.us /web/login?db=acme'
		});
	});

	test('another port than the URL says leaves the Host as it is', async () => {
		const seen = createHttp(({ headers, method }, response) => {
			response.end(`${method} ${headers.host} ${headers.accept}`);
		});
		const port = await listen(seen);
		const request = { url: 'http://acme.sajet.us/', port, headers: { accept: 'text/x' } };
		expect(await client.publicFetch(request)).toMatchObject({ body: 'GET acme.sajet.us text/x' });
		const head = await client.publicFetch({ ...request, method: 'HEAD' });
		expect(head).toMatchObject({ status: 200, body: '' });
	});

	test('a host with several addresses is reached at the one that answers', async () => {
		own('many.sajet.us', 'A', '127.0.0.2');
		own('many.sajet.us', 'A', '127.0.0.1');
		const port = await listen(createHttp((_request, response) => response.end('here')));
		const answer = await client.publicFetch({ url: 'http://many.sajet.us/', port });
		expect(answer).toMatchObject({ body: 'here', addresses: ['127.0.0.2', '127.0.0.1'] });
	});

	test('a long body is cut off', async () => {
		const port = await listen(createHttp((_request, response) => response.end('z'.repeat(99_999))));
		const answer = await client.publicFetch({ url: 'http://acme.sajet.us/', port, maxBytes: 10 });
		expect(answer).toMatchObject({ kind: 'answered', body: 'zzzzzzzzzz' });
	});

	test('each way to get no answer has its reason', async () => {
		const reason = async (request: Parameters<typeof client.publicFetch>[0]) => {
			const answer = await client.publicFetch({ timeoutMs: 300, ...request });
			return answer.kind === 'unreachable' ? answer.reason : answer.status;
		};
		own('text.sajet.us', 'TXT', 'x');
		expect(await reason({ url: 'http://nobody.sajet.us/' })).toBe('nxdomain');
		expect(await reason({ url: 'http://text.sajet.us/' })).toBe('nodata');
		kernel.faults.add({ target: 'dns', kind: 'drop' });
		expect(await reason({ url: url() })).toBe('dns');

		const closed = createServer();
		const free = await listen(closed);
		await new Promise((done) => closed.close(done));
		expect(await reason({ url: url(), port: free })).toBe('refused');
		kernel.faults.add({ target: 'edge', kind: 'timeout' });
		expect(await reason({ url: url() })).toBe('timeout');
		kernel.faults.add({ target: 'edge', kind: 'reset' });
		expect(await reason({ url: url() })).toBe('lost');
		const garbage = await listen(createServer((socket) => socket.end('SSH-2.0-x\r\n')));
		expect(await reason({ url: url(), port: garbage })).toBe('lost');
		expect(await reason({ url: 'https://acme.sajet.us/', port: garbage })).toBe('tls');
	});

	test("a customer's DNS does not lead into our own network", async () => {
		const careful = dns({ servers, timeoutMs: 150, tries: 1 }, unrecorded);
		const addresses = ['10.0.0.5', '169.254.169.254', '192.168.1.1', '100.64.0.1'];
		for (const [index, address] of addresses.entries()) {
			own(`in${index}.sajet.us`, 'A', address);
			const answer = await careful.publicFetch({ url: `http://in${index}.sajet.us/` });
			expect(answer).toMatchObject({ reason: 'private_address', detail: address });
		}
		for (const host of ['127.0.0.1', '[::1]', '[::ffff:10.0.0.1]']) {
			const answer = await careful.publicFetch({ url: `http://${host}:${edge.port}/` });
			expect(answer).toMatchObject({ reason: 'private_address' });
		}
	});

	test('passes through the recorder', async () => {
		const seen: RecordedCall[] = [];
		const recorded = dns(quick, (call, send) => {
			seen.push(call);
			return send();
		});
		await recorded.publicFetch({ url: url() });
		expect(seen.map(({ operation, changes }) => [operation, changes])).toEqual([
			['public.fetch', false],
			['resolve.a', false],
			['resolve.aaaa', false]
		]);
	});
});
