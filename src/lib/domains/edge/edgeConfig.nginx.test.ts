import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { request as plainRequest } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '../../../../tests/setup/queue.ts';
import { findNginx } from '../../../cli/nginx.ts';
import { testCertificate } from '../../../sandbox/acme/testing.ts';
import { DEBIAN_LAYOUT, edgeConfig, type EdgeDomain, type EdgeLayout } from './edgeConfig.ts';

const nginx = findNginx();
const folder = mkdtempSync(join(tmpdir(), 'edge-nginx-'));
const certificate = 'a'.repeat(32);
const [httpPort = 0, httpsPort = 0, statusPort = 0] = await freePorts(3);

/** What the container's nginx would see, as JSON; a WebSocket says its Host. */
const tenant = createServer((incoming, response) => {
	const headers: Record<string, string | string[]> = { 'content-type': 'application/json' };
	if (incoming.url === '/away') headers.location = 'http://acme.sajet.us/web?a=1';
	if (incoming.url === '/elsewhere') headers.location = 'http://acme.sajet.us.evil.com/';
	response.writeHead(headers.location ? 302 : 200, headers);
	const { method, url, headers: seen } = incoming;
	setTimeout(() => response.end(JSON.stringify({ method, url, headers: seen })), 20);
});
new WebSocketServer({ server: tenant }).on('connection', (socket, incoming) => {
	socket.on('message', (data) => socket.send(`${incoming.headers.host} ${String(data)}`));
});
const app = createServer((incoming, response) => {
	const { url, headers } = incoming;
	response.end(JSON.stringify({ app: true, url, headers }));
});

const layout: EdgeLayout = {
	...DEBIAN_LAYOUT,
	...{ root: folder, pid: join(folder, 'nginx.pid'), user: null, modules: null },
	...{ httpPort, httpsPort, statusPort, temporary: folder },
	...{ errorLog: join(folder, 'error.log'), accessLog: join(folder, 'access.log') }
};
const conf = join(folder, 'nginx.conf');
const container = { kind: 'tenant', ip: '127.0.0.1', host: 'acme.sajet.us' } as const;
const domains: EdgeDomain[] = [
	{ hostname: 'erp.acme.com', answer: container, certificate },
	{ hostname: 'acme.com', answer: { kind: 'redirect', to: 'https://erp.acme.com' }, certificate },
	{ hostname: 'late.acme.com', answer: { kind: 'app' }, certificate },
	{ hostname: 'new.acme.com', answer: container, certificate: null }
];
let running: ChildProcess | null = null;

function write(release: string, served = domains): void {
	const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
	const facts = { release, domains: served, app: { url, host: 'admin.sajet.us' }, ipv6: false };
	writeFileSync(conf, edgeConfig({ ...facts, http2: http2(), layout }));
}

function http2(): 'directive' | 'listen' {
	const [, minor = '0', patch = '0'] = version().split('.');
	return Number(minor) * 1000 + Number(patch) >= 25_001 ? 'directive' : 'listen';
}

function version(): string {
	const { stderr } = spawnOutput(['-v']);
	return /nginx\/([\d.]+)/.exec(stderr)?.[1] ?? '1.0.0';
}

function spawnOutput(args: string[]): { stderr: string } {
	// nginx speaks on stderr, whatever it has to say.
	return { stderr: execFileSync('sh', ['-c', '"$0" "$@" 2>&1', nginx!, ...args]).toString() };
}

async function freePorts(count: number): Promise<number[]> {
	const servers = Array.from({ length: count }, () => createTcpServer().listen(0, '127.0.0.1'));
	await Promise.all(servers.map((one) => new Promise((up) => one.once('listening', up))));
	const found = servers.map((one) => (one.address() as AddressInfo).port);
	await Promise.all(servers.map((one) => new Promise((down) => one.close(down))));
	return found;
}

interface Seen {
	status: number;
	headers: IncomingMessage['headers'];
	text: string;
}

/** HTTPS by name, as a browser that resolves it to this machine. */
function get(host: string, path = '/', headers: Record<string, string> = {}): Promise<Seen> {
	return new Promise((resolve, reject) => {
		const options = {
			...{ host: '127.0.0.1', port: httpsPort, path, servername: host },
			...{ headers: { host, ...headers }, rejectUnauthorized: false, agent: false as const }
		};
		const outgoing = request(options, (incoming) => {
			let text = '';
			incoming.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
			incoming.on('error', reject);
			incoming.on('end', () =>
				resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })
			);
		});
		outgoing.on('error', reject);
		outgoing.end();
	});
}

const plain = (host: string, path = '/') =>
	plainRequest(`http://127.0.0.1:${httpPort}${path}`, { headers: { host } });
const serving = async () => {
	const answer = await plainRequest(`http://127.0.0.1:${statusPort}/release`).catch(() => null);
	return answer ? answer.body.text() : null;
};

describe.skipIf(!nginx)('the real nginx', () => {
	beforeAll(async () => {
		await new Promise<void>((up) => app.listen(0, '127.0.0.1', up));
		await new Promise<void>((up) => tenant.listen(0, '127.0.0.1', up));
		layout.containerPort = (tenant.address() as AddressInfo).port;
		const { chain, key } = await testCertificate(domains.map(({ hostname }) => hostname));
		mkdirSync(join(folder, 'certs'));
		writeFileSync(join(folder, 'certs', `${certificate}.pem`), chain);
		writeFileSync(join(folder, 'certs', `${certificate}.key`), key, { mode: 0o600 });
		write('01');
		running = spawn(nginx!, ['-c', conf, '-g', 'daemon off;'], { stdio: 'ignore' });
		await eventually(async () => (await serving()) === '01');
	});
	afterAll(async () => {
		const ended = new Promise((resolve) => running?.once('exit', resolve));
		running?.kill('SIGTERM');
		await ended;
	});

	test('accepts what we generate', () => {
		expect(spawnOutput(['-t', '-c', conf]).stderr).toMatch(/test is successful\s*$/);
	});

	test('tells the container the name that finds the database, and nothing that a visitor claims', async () => {
		const answer = await get('erp.acme.com', '/web/login?a=%20b', {
			'x-forwarded-for': '6.6.6.6',
			'x-forwarded-host': 'evil.com',
			'x-real-ip': '6.6.6.6',
			'cf-connecting-ip': '6.6.6.6',
			'x-forwarded-proto': 'http',
			forwarded: 'for=6.6.6.6',
			upgrade: 'h2c',
			connection: 'upgrade'
		});
		expect(answer.status).toBe(200);
		const { url, headers } = JSON.parse(answer.text);
		expect(url).toBe('/web/login?a=%20b');
		expect(headers).toEqual({
			host: 'acme.sajet.us',
			'x-forwarded-host': 'acme.sajet.us',
			'x-forwarded-proto': 'https',
			'x-forwarded-for': '127.0.0.1',
			'x-real-ip': '127.0.0.1'
		});
	});

	test('puts the domain in the place of the platform name in redirects, and of no longer name', async () => {
		const here = await get('erp.acme.com', '/away');
		expect(here.headers.location).toBe(`https://erp.acme.com:${httpsPort}/web?a=1`);
		const there = await get('erp.acme.com', '/elsewhere');
		expect(there.headers.location).toBe('http://acme.sajet.us.evil.com/');
	});

	test('sends the other one of a pair on for now, path and query along', async () => {
		const answer = await get('acme.com', '/shop?x=1');
		expect([answer.status, answer.headers.location, answer.headers['cache-control']]).toEqual([
			307,
			'https://erp.acme.com/shop?x=1',
			'no-store'
		]);
	});

	test('lets the control plane answer for a suspended tenant, by the name that was asked', async () => {
		const { app: isApp, headers } = JSON.parse((await get('late.acme.com', '/web')).text);
		expect([isApp, headers.host]).toEqual([true, 'late.acme.com']);
	});

	test('joins a WebSocket under /websocket and nowhere else', async () => {
		const open = (path: string) =>
			new Promise<string>((resolve) => {
				const socket = new WebSocket(`wss://127.0.0.1:${httpsPort}${path}`, {
					...{ servername: 'erp.acme.com', rejectUnauthorized: false },
					headers: { host: 'erp.acme.com' }
				});
				socket.on('open', () => socket.send('ping'));
				socket.on('message', (data) => {
					resolve(String(data));
					socket.terminate();
				});
				socket.on('unexpected-response', (_request, response) => {
					resolve(`refused ${response.statusCode}`);
					socket.terminate();
				});
				socket.on('error', (error) => resolve(error.message));
			});
		expect(await open('/websocket?version=1')).toBe('acme.sajet.us ping');
		expect(await open('/web')).toBe('refused 200');
	});

	test('closes on a name that is not here, with and without TLS', async () => {
		await expect(get('stranger.org')).rejects.toThrow(/unrecognized name|alert/i);
		await expect(plain('stranger.org')).rejects.toThrow(/other side closed/);
		// A name of ours in the handshake opens no other one's door.
		const crossed = await new Promise<string>((resolve) => {
			const socket = connect({
				...{ host: '127.0.0.1', port: httpsPort, servername: 'erp.acme.com' },
				rejectUnauthorized: false
			});
			let text = '';
			socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
			socket.on('close', () => resolve(text));
			socket.write('GET / HTTP/1.1\r\nHost: stranger.org\r\n\r\n');
		});
		expect(crossed).not.toContain('200');
	});

	test('on port 80: the challenge for everybody, TLS for who has a certificate, nothing else', async () => {
		const path = '/.well-known/acme-challenge/token_1';
		for (const host of ['erp.acme.com', 'new.acme.com', 'not-yet-known.org']) {
			const answer = JSON.parse(await (await plain(host, path)).body.text());
			expect([answer.app, answer.url, answer.headers.host]).toEqual([true, path, 'admin.sajet.us']);
		}
		const secured = await plain('erp.acme.com', '/a?b=c');
		expect([secured.statusCode, secured.headers.location]).toEqual([
			307,
			`https://erp.acme.com:${httpsPort}/a?b=c`
		]);
		expect((await plain('new.acme.com')).statusCode).toBe(503);
	});

	test('drops no connection while it is reloaded under load', async () => {
		let asking = true;
		const outcomes: string[] = [];
		const visitor = async (host: string, wanted: number) => {
			while (asking) {
				const answer = await get(host).catch((error: unknown) => String(error));
				outcomes.push(
					typeof answer === 'string' ? answer : answer.status === wanted ? 'ok' : `${answer.status}`
				);
			}
		};
		const socket = new WebSocket(`wss://127.0.0.1:${httpsPort}/websocket`, {
			...{ servername: 'erp.acme.com', rejectUnauthorized: false },
			headers: { host: 'erp.acme.com' }
		});
		await new Promise((opened) => socket.once('open', opened));
		const visitors = [
			...Array.from({ length: 6 }, () => visitor('erp.acme.com', 200)),
			...Array.from({ length: 2 }, () => visitor('acme.com', 307))
		];
		for (const release of ['02', '03', '04', '05']) {
			write(release, [
				...domains,
				{ hostname: `more-${release}.acme.com`, answer: container, certificate }
			]);
			spawnOutput(['-s', 'reload', '-c', conf]);
			await eventually(async () => (await serving()) === release);
		}
		asking = false;
		await Promise.all(visitors);
		expect(outcomes.filter((one) => one !== 'ok')).toEqual([]);
		expect(outcomes.length).toBeGreaterThan(20);
		// The worker that holds it serves on until it is closed.
		const echoed = new Promise<string>((heard) =>
			socket.once('message', (data) => heard(String(data)))
		);
		socket.send('still here');
		expect(await echoed).toBe('acme.sajet.us still here');
		socket.terminate();
		const added = await get('more-05.acme.com');
		expect(added.status).toBe(200);
		await expect(get('more-04.acme.com')).rejects.toThrow();
	});
});

if (!nginx) console.warn('skipped: there is no nginx here; npm test as root on Debian installs it');

afterAll(() => {
	for (const server of [app, tenant]) {
		server.closeAllConnections();
		server.close();
	}
	rmSync(folder, { recursive: true, force: true });
});
