/** `npm run test:db` keeps a PostgreSQL for tests in the background, so that single test files start at once. */
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPostgres } from './postgres.ts';
import { isAlive } from './processes.ts';
import { sharedServerFile } from './scratch.ts';

const folder = dirname(sharedServerFile);
mkdirSync(folder, { recursive: true });

const running = read();
switch (process.argv[2]) {
	case 'serve':
		await serve();
		break;
	case 'stop':
		if (running) process.kill(running.pid, 'SIGTERM');
		console.log(running ? 'stopped' : 'no test database runs');
		break;
	default:
		if (!running) await startInBackground();
		console.log(`Tests use ${read()?.url}. Stop it with: npm run test:db stop`);
}

async function serve(): Promise<void> {
	const server = await startPostgres({
		dataDir: `${folder}/test-postgres`,
		port: 5499,
		durable: false
	});
	writeFileSync(sharedServerFile, JSON.stringify({ url: server.url, pid: process.pid }));
	process.once('SIGTERM', () => {
		rmSync(sharedServerFile, { force: true });
		void server.stop();
	});
	await server.ended;
}

async function startInBackground(): Promise<void> {
	rmSync(sharedServerFile, { force: true });
	const log = openSync(`${folder}/test-db.log`, 'w');
	const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'serve'], {
		detached: true,
		stdio: ['ignore', log, log]
	});
	child.unref();
	for (let tries = 0; tries < 400 && !read(); tries++) {
		if (child.exitCode !== null) throw new Error(`It did not start; see ${folder}/test-db.log`);
		await sleep(50);
	}
}

function read(): { url: string; pid: number } | null {
	try {
		const found = JSON.parse(readFileSync(sharedServerFile, 'utf8')) as {
			url: string;
			pid: number;
		};
		return isAlive(found.pid) ? found : null;
	} catch {
		// No file: none runs.
		return null;
	}
}
