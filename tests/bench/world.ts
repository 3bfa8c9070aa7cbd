import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Agent, request } from 'undici';
import { removePostgres } from '../../src/cli/postgres.ts';
import { freePorts } from '../../src/cli/processes.ts';
import { type Stack, startStack } from '../../src/cli/stack.ts';
import { hammer, type Times } from './load.ts';

/** The product with sandbox and database, for one subject after the other. */
export interface World extends Stack {
	/** Milliseconds from nothing to ready. */
	startMs: number;
	sql: pg.Client;
	/** What the application's process holds now, and how long it has computed so far, which other load hardly changes. */
	process(): Promise<{ rssMb: number; cpuMs: number }>;
}

/** A data folder of its own, gone afterwards. */
export interface Place {
	start(options: { role: 'all' | 'web' | 'worker'; speed: number }): Promise<World>;
	remove(): void;
}

export const agent = new Agent({ connections: 200, pipelining: 1, keepAliveTimeout: 10_000 });

export async function newPlace(): Promise<Place> {
	const dataDir = mkdtempSync(join(tmpdir(), 'erp-core-bench-'));
	// As root the database runs as somebody else, who must be able to walk in.
	chmodSync(dataDir, 0o755);
	// Below the ports that the system gives to outgoing connections (32,768 and up).
	const random = () => 12_000 + Math.floor(Math.random() * 20_000);
	const [port, sandboxPort] = [await freePorts(random(), 2), await freePorts(random(), 12)];
	return {
		start: async ({ role, speed }) => {
			const begun = performance.now();
			const stack = await startStack({
				dataDir,
				port,
				sandboxPort,
				app: 'built',
				speed,
				durable: true,
				env: { ROLE: role, METRICS_PORT: String(port + 1), LOG_LEVEL: 'warn' }
			});
			const startMs = performance.now() - begun;
			const sql = new pg.Client({ connectionString: stack.databaseUrl });
			await sql.connect();
			return {
				...stack,
				startMs,
				sql,
				process: async () => {
					const text = await (await fetch(`http://127.0.0.1:${port + 1}/metrics`)).text();
					const read = (name: string) =>
						Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
					return {
						rssMb: read('process_resident_memory_bytes') / 2 ** 20,
						cpuMs: read('process_cpu_seconds_total') * 1_000
					};
				},
				stop: async () => {
					await sql.end();
					await stack.stop();
				}
			};
		},
		remove: () => {
			removePostgres(join(dataDir, 'postgres'));
			rmSync(dataDir, { recursive: true, force: true });
		}
	};
}

/** A page as a browser asks for it. @throws Error when it is not there */
export async function openPage(url: string, cookie?: string): Promise<string> {
	const answer = await request(url, {
		dispatcher: agent,
		headers: { accept: 'text/html', 'accept-language': 'es', ...(cookie && { cookie }) }
	});
	const body = await answer.body.text();
	if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode}`);
	return body;
}

/** Logs in. @returns the cookie header of the session */
export async function logIn(
	app: string,
	who: { email: string; password: string },
	role: 'admin' | 'tenant'
): Promise<string> {
	const answer = await fetch(`${app}/api/auth/login`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ ...who, role })
	});
	if (!answer.ok) throw new Error(`login: ${answer.status} ${await answer.text()}`);
	return answer.headers
		.getSetCookie()
		.map((cookie) => cookie.split(';')[0])
		.join('; ');
}

/** The reference for everything over HTTP: a server that answers at once with as many bytes. */
export async function bareServer(
	bytes: number,
	load: { concurrency: number; count: number; seconds: number }
): Promise<Times> {
	const page = Buffer.alloc(bytes, 'x');
	const server = createServer((_, response) => response.end(page));
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
	await hammer(() => openPage(url), { ...load, count: 50 });
	const times = await hammer(() => openPage(url), load);
	server.closeAllConnections();
	server.close();
	return times;
}

/** The reference for everything in the database: a round trip for nothing, in milliseconds. */
export async function bareQuery(sql: pg.Client): Promise<Times> {
	const ask = () => sql.query('SELECT 1');
	await hammer(ask, { concurrency: 1, count: 50, seconds: 5 });
	return hammer(ask, { concurrency: 1, count: 500, seconds: 5 });
}

/** The demo's instance, which is set up while the rest starts. @returns its id */
export async function activeInstance(sql: pg.Client): Promise<string> {
	for (;;) {
		const { rows } = await sql.query<{ id: string }>(
			`SELECT id FROM tenant_deployments WHERE status = 'active' ORDER BY created_at LIMIT 1`
		);
		if (rows[0]) return rows[0].id;
		await sleep(200);
	}
}
