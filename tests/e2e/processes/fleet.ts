import { chmodSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { root } from '../../../src/cli/hash.ts';
import { MEMORY_FLAGS } from '../../../src/cli/memory.ts';
import { removePostgres } from '../../../src/cli/postgres.ts';
import { freePorts, type Running, startProcess } from '../../../src/cli/processes.ts';
import { type Stack, startStack } from '../../../src/cli/stack.ts';
import { type RedisServer, startRedis } from './redis.ts';

export interface Member {
	role: 'web' | 'worker';
	url: string;
	metricsUrl: string;
}

/** Several processes of the built product on one database, as behind a balancer. */
export interface Fleet {
	stack: Stack;
	webs: [Member, Member];
	workers: [Member, Member];
	/** What the processes share besides the database; null where this machine has none. */
	redis: RedisServer | null;
	stop(): Promise<void>;
}

/** Two web processes and two workers, started together on an empty database. */
export async function startFleet(): Promise<Fleet> {
	const dataDir = mkdtempSync(join(tmpdir(), 'erp-core-fleet-'));
	// As root the database runs as somebody else, who must be able to walk in.
	chmodSync(dataDir, 0o755);
	// Below the ports that the system gives to outgoing connections (32,768 and up).
	const random = () => 12_000 + Math.floor(Math.random() * 20_000);
	const port = await freePorts(random(), 9);
	const redis = await startRedis(port + 8);
	const member = (role: Member['role'], offset: number): Member => ({
		role,
		url: `http://127.0.0.1:${port + offset}`,
		metricsUrl: `http://127.0.0.1:${port + offset + 1}/metrics`
	});
	const webs: Fleet['webs'] = [member('web', 0), member('web', 2)];
	const workers: Fleet['workers'] = [member('worker', 4), member('worker', 6)];
	const running: Running[] = [];
	const stack = await startStack({
		dataDir,
		port,
		sandboxPort: await freePorts(random(), 12),
		app: 'built',
		speed: 0,
		durable: false,
		env: {
			...{ ROLE: 'web', METRICS_PORT: String(port + 1) },
			...(redis && { REDIS_URL: redis.url })
		}
	});
	const stop = async () => {
		await Promise.all(running.map((process) => process.stop()));
		await stack.stop();
		await redis?.stop();
		removePostgres(join(dataDir, 'postgres'));
		rmSync(dataDir, { recursive: true, force: true });
	};
	try {
		await Promise.all(
			[webs[1], ...workers].map(async ({ role, url }) => {
				const own = Number(new URL(url).port);
				const output = openSync(join(dataDir, 'logs', `${role}-${own}.log`), 'w');
				const process = await startProcess(
					globalThis.process.execPath,
					[...MEMORY_FLAGS, join(root, 'build/main.js')],
					{
						cwd: root,
						stdio: ['ignore', output, output],
						env: { ...stack.env, ROLE: role, PORT: String(own), METRICS_PORT: String(own + 1) }
					}
				);
				running.push(process);
				await ready(url, process);
			})
		);
	} catch (error) {
		await stop();
		throw error;
	}
	return { stack, webs, workers, redis, stop };
}

async function ready(url: string, process: Running): Promise<void> {
	let end = '';
	void process.ended.then((how) => (end = how));
	for (const deadline = Date.now() + 90_000; Date.now() < deadline; await sleep(100)) {
		if (end) throw new Error(`The process at ${url} ${end}`);
		const answer = await fetch(`${url}/health/ready`).catch(() => null);
		if (answer?.ok) return;
	}
	throw new Error(`The process at ${url} does not get ready`);
}

/** A browser's live connection to one of the web processes. */
export async function listenAt(member: Member, origin: string, cookie: string) {
	const heard: { topic?: string; subscribed?: string }[] = [];
	const socket = new WebSocket(`${member.url.replace('http', 'ws')}/live`, {
		headers: { origin, cookie }
	});
	socket.on('message', (data) => heard.push(JSON.parse(String(data))));
	await new Promise((done, fail) => {
		socket.once('open', done);
		socket.once('error', fail);
	});
	return {
		subscribe: (topic: string) => socket.send(JSON.stringify({ subscribe: topic })),
		subscribed: (topic: string) => heard.some((one) => one.subscribed === topic),
		/** How many notices of the topic have come. */
		notices: (topic: string) => heard.filter((one) => one.topic === topic).length,
		close: () => socket.close()
	};
}

/** How often this process has run a job of this name to its end. */
export async function runsOf(member: Member, job: string): Promise<number> {
	const text = await (await fetch(member.metricsUrl)).text();
	const lines = text.matchAll(/^erp_job_duration_seconds_count\{job="([^"]+)".*\} (\d+)$/gm);
	return [...lines].reduce((sum, [, name, count]) => sum + (name === job ? Number(count) : 0), 0);
}
