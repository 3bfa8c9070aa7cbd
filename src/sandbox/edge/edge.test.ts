import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { runRoute, testAccount } from '../cloudflare/testing.ts';
import type { IngressRule } from '../cloudflare/state.ts';
import { dnsControlRoutes } from '../dns/control.ts';
import { startEdge } from './server.ts';

const { kernel, standIn, call, control, zone } = await testAccount();
const edge = await startEdge(kernel, { port: 0 });
const target = `${standIn.tunnelId}.cfargotunnel.com`;
const last = { service: 'http_status:404' };

// The application itself: a service on loopback that the tunnel really reaches.
const app = createServer((incoming, response) => {
	if (incoming.url === '/away') {
		response.writeHead(302, {
			location: 'http://acme.sajet.us/web?a=1',
			'set-cookie': ['a=1; Domain=acme.sajet.us; Path=/', 'b=2']
		});
		return response.end();
	}
	const chunks: Buffer[] = [];
	incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
	incoming.on('end', () => {
		const body = Buffer.concat(chunks).toString('utf8');
		const { method, url, headers } = incoming;
		response.writeHead(200, { 'content-type': 'application/json' });
		response.end(JSON.stringify({ method, url, headers, body }));
	});
});
new WebSocketServer({ server: app }).on('connection', (socket, incoming) => {
	socket.on('message', (data) => socket.send(`${incoming.headers.host} ${String(data)}`));
});
await new Promise<void>((listening) => app.listen(0, '127.0.0.1', listening));
const appPort = (app.address() as AddressInfo).port;
afterAll(async () => {
	await edge.close();
	app.closeAllConnections();
	app.close();
});

const get = async (host: string, path = '/', options: { accept?: string; body?: string } = {}) => {
	const answer = await request(`http://127.0.0.1:${edge.port}${path}`, {
		method: options.body === undefined ? 'GET' : 'POST',
		body: options.body,
		headers: {
			host,
			accept: options.accept ?? 'text/html',
			'cf-connecting-ip': '8.8.8.8',
			'x-forwarded-for': '9.9.9.9'
		}
	});
	return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
};
const publish = (name: string, body: object = {}) =>
	call('POST', `${zone}/dns_records`, {
		...{ type: 'CNAME', name, content: target, proxied: true },
		...body
	});
const ingress = (...rules: IngressRule[]) =>
	control('POST', `/tunnels/${standIn.tunnelId}/ingress`, { ingress: [...rules, last] });

beforeEach(() => {
	kernel.reset();
	kernel.network.serve((address, port) =>
		address === '10.10.0.5' && port === 8069
			? async ({ host, path }) => ({ status: 200, body: `container ${host} ${path}` })
			: null
	);
});

describe('from the host to the service', () => {
	test('each missing piece shows as its own error, the whole as the instance', async () => {
		expect((await get('acme.sajet.us')).text).toContain('Error 1016');
		await publish('acme');
		const unruled = await get('acme.sajet.us');
		expect([unruled.status, unruled.text]).toEqual([404, '']);
		await ingress({ hostname: 'acme.sajet.us', service: 'http://10.10.0.5:8069' });
		const served = await get('acme.sajet.us', '/web/login');
		expect([served.status, served.text]).toEqual([200, 'container acme.sajet.us /web/login']);
		expect(served.headers).toMatchObject({ server: 'cloudflare', 'cf-cache-status': 'DYNAMIC' });
		await control('POST', `/tunnels/${standIn.tunnelId}/connector`, { online: false });
		const down = await get('acme.sajet.us');
		expect(down.status).toBe(530);
		expect(down.text).toMatch(/Error 1033[\s\S]+Cloudflare Tunnel error/);
	});

	test('a service that refuses is a 502 page, in a line for what is no browser', async () => {
		await publish('acme');
		await ingress({ hostname: 'acme.sajet.us', service: 'http://10.10.0.6:8069' });
		const page = await get('acme.sajet.us');
		expect([page.status, page.text]).toEqual([502, expect.stringContaining('Bad gateway')]);
		const line = await get('acme.sajet.us', '/', { accept: '*/*' });
		expect([line.status, line.text]).toEqual([502, 'error code: 502']);
	});

	test('a tunnel without configuration answers 503, a deleted one 1033', async () => {
		const made = await call('POST', `/accounts/${standIn.accountId}/cfd_tunnel`, {
			...{ name: 'other', config_src: 'cloudflare' }
		});
		const { id } = made.body.result;
		await publish('other', { content: `${id}.cfargotunnel.com` });
		await control('POST', `/tunnels/${id}/connector`, { online: true });
		expect((await get('other.sajet.us')).status).toBe(503);
		await control('POST', `/tunnels/${id}/connector`, { online: false });
		await call('DELETE', `/accounts/${standIn.accountId}/cfd_tunnel/${id}`);
		expect((await get('other.sajet.us')).text).toContain('1033');
	});

	test('rules are tried in order: exact, wildcard, path', async () => {
		await publish('*.sajet.us');
		await ingress(
			{ hostname: 'a.sajet.us', path: '^/longpolling', service: 'http_status:418' },
			{ hostname: 'a.sajet.us', service: 'http_status:201' },
			{ hostname: '*.sajet.us', path: '\\.png$', service: 'http_status:410' },
			{ hostname: '*.sajet.us', service: 'http_status:202' },
			{ hostname: 'b.sajet.us', service: 'http_status:500' }
		);
		const status = async (host: string, path: string) => (await get(host, path)).status;
		expect(await status('A.sajet.us', '/longpolling/poll')).toBe(418);
		expect(await status('a.sajet.us', '/web')).toBe(201);
		expect(await status('b.sajet.us', '/x.png')).toBe(410);
		expect(await status('b.sajet.us', '/')).toBe(202);
		expect(await status('deep.b.sajet.us', '/')).toBe(202);
	});

	test('a record that is not proxied, or names nothing, does not lead to the tunnel', async () => {
		await publish('grey', { proxied: false });
		await publish('lost', { content: 'nowhere.example' });
		await publish('inner', { type: 'A', content: '10.10.0.5' });
		await publish('far', { type: 'A', content: '203.0.113.9' });
		expect((await get('grey.sajet.us')).text).toContain('1016');
		expect((await get('lost.sajet.us')).text).toContain('1016');
		expect(await get('inner.sajet.us')).toMatchObject({ status: 403 });
		expect(await get('far.sajet.us')).toMatchObject({ status: 502 });
		expect((await get('127.0.0.1')).text).toContain('1003');
		expect((await get('stranger.org')).text).toContain('1001');
	});
});

describe('names that lead elsewhere', () => {
	const routes = dnsControlRoutes(kernel);
	const lead = (content: string) =>
		runRoute(routes, 'POST', '/__sandbox/dns/records', {
			...{ name: 'www.cliente.com', type: 'A', content }
		});

	test("a registrar's parking page answers at its address", async () => {
		await lead('198.51.100.1');
		const answer = await get('www.cliente.com');
		expect(answer).toMatchObject({ status: 200, headers: { server: 'Parking/1.0' } });
		expect(answer.text).toContain('estacionado');
		expect((await get('www.cliente.com.localhost:4444')).headers.server).toBe('Parking/1.0');
	});

	test('another address is another site, or the machine of the sandbox that has it', async () => {
		await lead('203.0.113.77');
		expect((await get('www.cliente.com')).headers.server).toBe('Elsewhere/1.0');
		kernel.network.serve((address) =>
			address === '203.0.113.77' ? async ({ host }) => ({ status: 200, body: host }) : null
		);
		expect(await get('www.cliente.com')).toMatchObject({ text: 'www.cliente.com' });
		expect((await get('www.cliente.com')).headers.server).toBeUndefined();
		kernel.network.serve(() => null);
	});
});

describe('names', () => {
	test('acme.localhost stands for the record of that name in one of our zones', async () => {
		await publish('acme');
		await ingress({ hostname: 'acme.sajet.us', service: 'http://10.10.0.5:8069' });
		const { text } = await get(`acme.localhost:${edge.port}`, '/x');
		expect(text).toBe('container acme.sajet.us /x');
		expect((await get('nobody.localhost')).text).toContain('nobody.sajet.us');
	});

	test('redirects and cookies stay at the name that the browser knows', async () => {
		await publish('acme');
		await ingress({ hostname: 'acme.sajet.us', service: `http://127.0.0.1:${appPort}` });
		const local = await get('acme.localhost:4503', '/away');
		expect(local.headers.location).toBe('http://acme.localhost:4503/web?a=1');
		expect(local.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2']);
		const real = await get('acme.sajet.us', '/away');
		expect(real.headers.location).toBe('http://acme.sajet.us/web?a=1');
	});

	test('a custom hostname is served once it is verified and its fallback leads to the tunnel', async () => {
		const host = 'erp.cliente.com';
		await publish('edge');
		await ingress({ hostname: host, service: 'http://10.10.0.5:8069' });
		await call('POST', `${zone}/custom_hostnames`, { hostname: host, ssl: { method: 'http' } });
		expect((await get(host)).text).toContain('1016');
		await runRoute(dnsControlRoutes(kernel), 'POST', '/__sandbox/dns/records', {
			...{ name: host, type: 'CNAME', content: 'edge.sajet.us' }
		});
		expect((await get(host)).text).toContain('1016');
		const origin = 'edge.sajet.us';
		await call('PUT', `${zone}/custom_hostnames/fallback_origin`, { origin });
		expect((await get(host, '/web')).text).toBe(`container ${host} /web`);
		expect((await get(`${host}.localhost:4503`, '/web')).text).toBe(`container ${host} /web`);
	});
});

describe('a real service', () => {
	beforeEach(async () => {
		await publish('app');
		await ingress({ hostname: 'app.sajet.us', service: `http://localhost:${appPort}` });
	});

	test('gets the request unchanged, with the headers of Cloudflare', async () => {
		const answer = await get('app.sajet.us', '/a%2Fb/?q=%20x&q', { body: 'hello' });
		const seen = JSON.parse(answer.text);
		expect(seen).toMatchObject({ method: 'POST', url: '/a%2Fb/?q=%20x&q', body: 'hello' });
		expect(seen.headers).toMatchObject({
			host: 'app.sajet.us',
			'cf-connecting-ip': '127.0.0.1',
			'x-forwarded-for': '9.9.9.9, 127.0.0.1',
			'x-forwarded-proto': 'http'
		});
	});

	test('may be given another Host', async () => {
		const originRequest = { httpHostHeader: 'inner.example' };
		const service = `http://127.0.0.1:${appPort}`;
		await ingress({ hostname: 'app.sajet.us', service, originRequest });
		expect(JSON.parse((await get('app.sajet.us')).text).headers.host).toBe('inner.example');
	});

	test('is a 502 when nothing listens', async () => {
		await ingress({ hostname: 'app.sajet.us', service: 'http://127.0.0.1:1' });
		expect(await get('app.sajet.us')).toMatchObject({ status: 502 });
	});

	test('speaks WebSocket', async () => {
		const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/live`, {
			headers: { host: 'app.localhost' }
		});
		const message = await new Promise<string>((resolve, reject) => {
			socket.on('open', () => socket.send('ping'));
			socket.on('message', (data) => resolve(String(data)));
			socket.on('error', reject);
		});
		expect(message).toBe('app.sajet.us ping');
		socket.terminate();
	});

	test('refuses a WebSocket where no service is', async () => {
		await ingress({ hostname: 'app.sajet.us', service: 'http://10.10.0.5:8069' });
		for (const [host, status] of [
			['app.sajet.us', 200],
			['nobody.sajet.us', 530]
		] as const) {
			const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/live`, { headers: { host } });
			const refused = await new Promise<number | undefined>((resolve) => {
				socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
				socket.on('error', () => {});
			});
			expect(refused).toBe(status);
			socket.terminate();
		}
	});
});

test('faults of the edge spoil its answers', async () => {
	await publish('acme');
	kernel.faults.add({ target: 'edge', kind: 'status', status: 520 });
	expect((await get('acme.sajet.us')).status).toBe(520);
	expect((await get('acme.sajet.us')).status).toBe(404);
});
