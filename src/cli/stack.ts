import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
	claim,
	type DemoFile,
	demoFilePath,
	demoSecrets,
	forget,
	rememberedSandboxPort,
	writeDemoFile
} from './demo-data.ts';
import { type Vendors, vendorEnvironment } from './environment.ts';
import { root } from './hash.ts';
import { MEMORY_ENV, MEMORY_FLAGS } from './memory.ts';
import { migrate } from './migrate.ts';
import { startPostgres } from './postgres.ts';
import { freePorts, portIsFree, type Running, startProcess } from './processes.ts';

const SANDBOX_PORTS = 13;

export interface StackOptions {
	/** Where everything is kept between starts. */
	dataDir: string;
	/** Port of the application. */
	port: number;
	/** First of the sandbox's ports; undefined takes the remembered or the next free ones. */
	sandboxPort?: number;
	/** `built` runs build/, `vite` the development server. */
	app: 'built' | 'vite';
	/** Factor on the simulated latencies of the vendors. */
	speed: number;
	/** False trades safety against power loss for speed. */
	durable: boolean;
	/** Forget what earlier starts left in `dataDir`. */
	fresh?: boolean;
	/** Awaited before migrating: the generated code. */
	generated?: Promise<unknown>;
	/** Awaited before the application starts: the build, which may run beside the rest. */
	built?: Promise<unknown>;
	/** Called with each thing that is being done. */
	onStep?: (step: 'database' | 'sandbox' | 'migrate' | 'seed' | 'app') => void;
	/** More environment for the application. */
	env?: Record<string, string>;
}

export interface Stack {
	demo: DemoFile;
	databaseUrl: string;
	/** What the application was started with, for further processes of it. */
	env: NodeJS.ProcessEnv;
	/** Resolves with a sentence as soon as one of the parts ends by itself. */
	broken: Promise<string>;
	/** Application first, then the sandbox, then the database. */
	stop(): Promise<void>;
}

/**
 * Starts database, sandbox and application, migrated and seeded.
 * @throws Error with one sentence, and the end of the log where a part did not start; nothing is left running
 */
export async function startStack(options: StackOptions): Promise<Stack> {
	if (!(await portIsFree(options.port))) {
		throw new Error(
			`Port ${options.port} is taken; stop what uses it or set DEMO_PORT to another.`
		);
	}
	const { dataDir } = options;
	const stops: (() => unknown)[] = [claim(dataDir)];
	const stop = async () => {
		for (const end of stops.splice(0).reverse()) await end();
	};
	const broken: Promise<string>[] = [];
	try {
		if (options.fresh) forget(dataDir);
		const basePort = await sandboxBasePort(options);
		const secrets = demoSecrets(dataDir, basePort);
		const app = `http://localhost:${options.port}`;
		const logs = join(dataDir, 'logs');
		mkdirSync(logs, { recursive: true });

		options.onStep?.('database');
		const postgres = await startPostgres({
			dataDir: join(dataDir, 'postgres'),
			durable: options.durable
		});
		stops.push(postgres.stop);
		broken.push(postgres.ended.then((how) => `PostgreSQL ${how}.`));

		options.onStep?.('sandbox');
		const sandbox = await startSandboxProcess(options, basePort, app, join(logs, 'sandbox.log'));
		stops.push(sandbox.running.stop);
		broken.push(
			sandbox.running.ended.then((how) => `The sandbox ${how}; see ${logs}/sandbox.log.`)
		);

		const demo: DemoFile = {
			app,
			sandbox: sandbox.url,
			staff: { email: 'admin@sajet.us', password: secrets.staff_password },
			customer: { email: 'cliente@ejemplo.com', password: secrets.customer_password },
			vendors: sandbox.vendors
		};
		writeDemoFile(dataDir, demo);
		const env: NodeJS.ProcessEnv = {
			...process.env,
			APP_ENV: 'demo',
			ROLE: 'all',
			ORIGIN: app,
			HOST: process.env.HOST || '127.0.0.1',
			PORT: String(options.port),
			DATABASE_URL: postgres.url,
			DATABASE_DIRECT_URL: postgres.directUrl,
			SECRETS_KEY: secrets.secrets_key,
			BASE_DOMAIN: 'sajet.us',
			MAIL_FROM: 'Jeturing <no-reply@sajet.us>',
			SANDBOX_URL: sandbox.url,
			DEMO_FILE: demoFilePath(dataDir),
			...vendorEnvironment(sandbox.vendors),
			...options.env
		};

		await options.generated;
		options.onStep?.('migrate');
		await migrate(postgres.directUrl);
		options.onStep?.('seed');
		await runScript('seed.ts', env, join(logs, 'seed.log'));
		await options.built;
		options.onStep?.('app');
		const running = await startApp(options, env, join(logs, 'app.log'));
		stops.push(running.stop);
		const appEnded = running.ended.then((how) => `The application ${how}; see ${logs}/app.log.`);
		broken.push(appEnded);
		await waitUntilReady(app, appEnded, join(logs, 'app.log'));
		return {
			demo: JSON.parse(readFileSync(demoFilePath(dataDir), 'utf8')) as DemoFile,
			databaseUrl: postgres.url,
			env,
			broken: Promise.race(broken),
			stop
		};
	} catch (error) {
		await stop();
		throw error;
	}
}

async function sandboxBasePort({ sandboxPort, dataDir }: StackOptions): Promise<number> {
	const remembered = rememberedSandboxPort(dataDir);
	const found = await freePorts(sandboxPort ?? remembered ?? 4500, SANDBOX_PORTS);
	if (sandboxPort && found !== sandboxPort) {
		throw new Error(
			`The sandbox needs the ${SANDBOX_PORTS} ports from ${sandboxPort}, and one is taken; set SANDBOX_PORT to another.`
		);
	}
	return found;
}

async function startSandboxProcess(
	options: StackOptions,
	basePort: number,
	appUrl: string,
	log: string
): Promise<{ running: Running; url: string; vendors: Vendors }> {
	const running = await startProcess(process.execPath, [join(root, 'src/sandbox/main.ts')], {
		cwd: root,
		stdio: ['ignore', 'pipe', openSync(log, 'w')],
		env: {
			...process.env,
			APP_ENV: 'demo',
			APP_URL: appUrl,
			SANDBOX_PORT: String(basePort),
			SANDBOX_DATA_DIR: join(options.dataDir, 'sandbox'),
			SANDBOX_SPEED: String(options.speed)
		}
	});
	const { stdout } = running.child;
	if (!stdout) throw new Error('The sandbox has no output to read');
	const announced = new Promise<{ vendors: Vendors; url?: string }>((resolve) => {
		createInterface({ input: stdout }).on('line', (line) => {
			if (line.startsWith('{"ready":true')) resolve(JSON.parse(line));
		});
	});
	const failed = running.ended.then((how) => {
		throw new Error(`The sandbox ${how}:\n${tail(log)}`);
	});
	try {
		const { vendors, url } = await Promise.race([announced, failed]);
		failed.catch(() => undefined);
		return { running, vendors, url: url ?? `http://127.0.0.1:${basePort}` };
	} catch (error) {
		await running.stop();
		throw error;
	}
}

function startApp(options: StackOptions, env: NodeJS.ProcessEnv, log: string): Promise<Running> {
	if (options.app === 'built') {
		const output = openSync(log, 'w');
		return startProcess(process.execPath, [...MEMORY_FLAGS, join(root, 'build/main.js')], {
			cwd: root,
			stdio: ['ignore', output, output],
			env: { ...env, ...MEMORY_ENV, NODE_ENV: 'production' },
			patienceMs: 30_000
		});
	}
	const vite = join(root, 'node_modules/vite/bin/vite.js');
	const where = ['--host', '127.0.0.1', '--port', String(options.port), '--strictPort'];
	return startProcess(process.execPath, [vite, 'dev', ...where], {
		cwd: root,
		stdio: ['ignore', 'inherit', 'inherit'],
		env
	});
}

/** Runs a script of src/cli to its end, when there is one. */
async function runScript(name: string, env: NodeJS.ProcessEnv, log: string): Promise<void> {
	const script = join(root, 'src/cli', name);
	if (!existsSync(script)) return;
	const output = openSync(log, 'w');
	const running = await startProcess(process.execPath, [script], {
		cwd: root,
		stdio: ['ignore', output, output],
		env
	});
	const how = await running.ended;
	if (running.child.exitCode !== 0) throw new Error(`${name} ${how}:\n${tail(log)}`);
}

async function waitUntilReady(app: string, ended: Promise<string>, log: string): Promise<void> {
	let end = '';
	void ended.then((how) => (end = how));
	let last = 'no answer';
	for (const deadline = Date.now() + 90_000; Date.now() < deadline; await sleep(100)) {
		if (end) throw new Error(`${end}\n${tail(log)}`);
		try {
			const answer = await fetch(`${app}/health/ready`, { signal: AbortSignal.timeout(30_000) });
			if (answer.ok) return;
			last = `${answer.status} ${(await answer.text()).slice(0, 500)}`;
		} catch (error) {
			last = error instanceof Error ? error.message : String(error);
		}
	}
	throw new Error(`The application does not get ready (${last}); see ${log}\n${tail(log)}`);
}

function tail(file: string): string {
	if (!existsSync(file)) return '';
	return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
