import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { nodeCertificate } from '../../../sandbox/proxmox/certificate.ts';
import { unrecorded } from '../record.ts';
import { dns } from './dns.server.ts';
import { isPrivateAddress } from './private-address.server.ts';

const closing: Server[] = [];
afterAll(() => {
	for (const one of closing) one.close();
});
afterEach(() => vi.useRealTimers());

const listen = async <T extends Server>(one: T, host = '127.0.0.1'): Promise<number> => {
	await new Promise<void>((listening) => one.listen(0, host, listening));
	closing.push(one);
	return (one.address() as AddressInfo).port;
};
const answer: RequestListener = ({ headers, url }, response) => {
	response.writeHead(302, { server: 'nginx', location: `https://${headers.host}${url}login` });
	response.end('x'.repeat(100_000));
};
const { key, cert } = nodeCertificate(null, 'erp.cliente.com');
const port = await listen(createHttps({ key, cert }, answer));
const client = dns({ servers: ['127.0.0.1:9'], allowPrivateAddresses: true }, unrecorded);
const look = (name: string, request: { port?: number; addresses?: string[] } = {}) =>
	client.lookAtHttps(name, { addresses: ['127.0.0.1'], port, timeoutMs: 600, ...request });

describe('what answers', () => {
	test('with a certificate for the name', async () => {
		expect(await look('erp.cliente.com')).toMatchObject({
			...{ kind: 'answered', status: 302, server: 'nginx', address: '127.0.0.1' },
			location: 'https://erp.cliente.com/login',
			certificate: {
				...{ issuer: 'PVE Cluster Node', fits: true, trusted: false },
				names: ['localhost', 'erp.cliente.com']
			}
		});
	});

	test('with a certificate for another name, or one that has expired', async () => {
		expect(await look('www.otro.com')).toMatchObject({
			...{ kind: 'answered', certificate: { fits: false } }
		});
		vi.useFakeTimers({ toFake: ['Date'] });
		vi.setSystemTime(Date.now() + 11 * 366 * 86_400_000);
		const late = await look('erp.cliente.com');
		expect(late.certificate).toMatchObject({ fits: false });
		expect(Date.parse(late.certificate?.expiresAt ?? '')).toBeLessThan(Date.now());
	});

	test('on the address that is there', async () => {
		const addresses = ['127.0.0.9', '127.0.0.1'];
		expect(await look('erp.cliente.com', { addresses })).toMatchObject({ kind: 'answered' });
	});

	test('over IPv6', async () => {
		const six = await listen(createHttps({ key, cert }, answer), '::1');
		const seen = await look('erp.cliente.com', { addresses: ['::1'], port: six });
		expect(seen).toMatchObject({ kind: 'answered', address: '::1' });
	});

	test('in the sandbox, at its edge whatever the address', async () => {
		const edge = await listen(
			createHttp(({ headers }, response) => {
				response.setHeader('server', 'cloudflare');
				response.end(headers.host);
			})
		);
		const sandbox = dns(
			{
				...{ servers: ['127.0.0.1:9'], allowPrivateAddresses: true },
				via: { host: 'localhost', port: edge }
			},
			unrecorded
		);
		expect(await sandbox.lookAtHttps('erp.cliente.com', { addresses: ['203.0.113.9'] })).toEqual({
			...{ kind: 'answered', status: 200, server: 'cloudflare', location: null },
			...{ certificate: null, address: 'localhost' }
		});
		const page = await sandbox.publicFetch({ url: 'http://203.0.113.9/' });
		expect(page).toMatchObject({ body: '203.0.113.9', addresses: ['203.0.113.9'] });
	});
});

describe('what does not answer', () => {
	test('has its reason', async () => {
		const silent = await listen(createServer());
		expect(await look('a.com', { port: silent })).toMatchObject({ reason: 'timeout' });
		const closed = createServer();
		const free = await listen(closed);
		await new Promise((done) => closed.close(done));
		expect(await look('a.com', { port: free })).toMatchObject({ reason: 'refused' });
		const http = await listen(createHttp(answer));
		expect(await look('a.com', { port: http })).toMatchObject({ reason: 'tls', certificate: null });
		expect(await look('a.com', { addresses: [] })).toMatchObject({ reason: 'no_address' });
	});

	test('shows its certificate when it gets so far', async () => {
		const mute = await listen(createHttps({ key, cert }, () => undefined));
		expect(await look('erp.cliente.com', { port: mute })).toMatchObject({
			...{ kind: 'unreachable', reason: 'timeout', certificate: { fits: true } }
		});
		const rude = await listen(
			createHttps({ key, cert }, (_request, response) => response.destroy())
		);
		expect(await look('erp.cliente.com', { port: rude })).toMatchObject({
			...{ kind: 'unreachable', reason: 'lost', certificate: { fits: true } }
		});
		const endless = await listen(
			createHttps({ key, cert }, (_request, response) => {
				response.setHeader('x-long', 'z'.repeat(60_000)).end();
			})
		);
		expect(await look('erp.cliente.com', { port: endless })).toMatchObject({
			...{ kind: 'unreachable', reason: 'lost' }
		});
	});

	test('inside our own network is not even tried', async () => {
		const careful = dns({ servers: ['127.0.0.1:9'] }, unrecorded);
		for (const address of ['127.0.0.1', '10.1.2.3', '::1', '64:ff9b::a00:1', '2002:a00:1::']) {
			const seen = await careful.lookAtHttps('erp.cliente.com', {
				...{ addresses: ['203.0.113.1', address], port }
			});
			expect(seen).toMatchObject({ kind: 'unreachable', reason: 'private_address' });
		}
	});
});

test.each([
	...(['8.8.8.8', '2606:4700::6810:1', '203.0.113.9', 'name.com'] as const).map(
		(address) => [address, false] as const
	),
	...(
		[
			...(['10.0.0.1', '172.31.0.1', '169.254.169.254', '100.64.0.1', '255.255.255.255'] as const),
			...(['::', '::1', '::ffff:8.8.8.8', 'fd00::1', 'fe80::1', 'ff02::1', '::7f00:1'] as const)
		] as const
	).map((address) => [address, true] as const)
])('%s is private: %s', (address, expected) => {
	expect(isPrivateAddress(address)).toBe(expected);
});
