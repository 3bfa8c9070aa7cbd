import { randomBytes } from 'node:crypto';
import {
	chmodSync,
	chownSync,
	existsSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { makeDataDir, postgresHome, type PostgresHome } from './postgres-home.ts';
import { freePorts, isAlive, type Running, startProcess } from './processes.ts';

export const OWNER = 'erp_owner';
export const DATABASE = 'erp_core';

export interface PostgresOptions {
	/** Where the data lives; kept between starts. */
	dataDir: string;
	/** First port to try; 0 takes any free one. Default 5433. */
	port?: number;
	/** False trades safety against power loss for speed: for tests. Default true. */
	durable?: boolean;
}

export interface PostgresServer {
	/** Connection string of the product's database, as its owner, who is not a superuser. */
	url: string;
	/** The same server without a pooler in between. */
	directUrl: string;
	port: number;
	/** Resolves with a sentence when the server ends by itself. */
	ended: Promise<string>;
	stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that npm installed. A server that an earlier, killed start left on the same data is stopped first.
 * @throws Error with the end of the server's log when it does not come up
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
	const home = postgresHome(options.dataDir);
	const log = `${home.dataDir}.log`;
	const fresh = !existsSync(join(home.dataDir, 'PG_VERSION'));
	if (fresh) await initialise(home, log);
	else await stopLeftover(home);

	const secrets = readSecrets(home);
	const port = await freePorts(options.port || (options.port === 0 ? randomPort() : 5433));
	const server = await launch(home, log, port, options.durable ?? true);
	const admin = `postgres://postgres:${secrets.admin}@127.0.0.1:${port}/postgres`;
	try {
		await waitUntilUp(admin, server, log);
		await createOwner(admin, secrets.owner);
	} catch (error) {
		await server.stop();
		throw error;
	}
	const url = `postgres://${OWNER}:${secrets.owner}@127.0.0.1:${port}/${DATABASE}`;
	return { url, directUrl: url, port, ended: server.ended, stop: server.stop };
}

/** Connection string of the server that runs on the data, as the owner; null when none does. */
export function runningPostgres(dataDir: string): string | null {
	const home = postgresHome(dataDir);
	const file = join(home.dataDir, 'postmaster.pid');
	if (!existsSync(file)) return null;
	const [pid, , , port] = readFileSync(file, 'utf8').split('\n');
	try {
		process.kill(Number(pid), 0);
	} catch (error) {
		// Not ours to signal means that it lives.
		if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return null;
	}
	return `postgres://${OWNER}:${readSecrets(home).owner}@127.0.0.1:${port?.trim()}/${DATABASE}`;
}

/** Deletes the data for good. The server must be stopped. */
export function removePostgres(dataDir: string): void {
	const home = postgresHome(dataDir);
	rmSync(home.dataDir, { recursive: true, force: true });
	rmSync(`${home.dataDir}.log`, { force: true });
}

/** Makes the cluster beside its place and moves it there, so that a killed initdb leaves nothing half done. */
async function initialise(home: PostgresHome, log: string): Promise<void> {
	const partial = `${home.dataDir}.new`;
	rmSync(partial, { recursive: true, force: true });
	rmSync(home.dataDir, { recursive: true, force: true });
	mkdirSync(dirname(partial), { recursive: true });
	makeDataDir(home, partial);
	const secrets: Secrets = {
		admin: randomBytes(18).toString('hex'),
		owner: randomBytes(18).toString('hex')
	};
	const password = `${home.dataDir}.password`;
	writeFileSync(password, `${secrets.admin}\n`, { mode: 0o600 });
	if (home.uid !== undefined && home.gid !== undefined) chownSync(password, home.uid, home.gid);
	const output = openSync(log, 'w');
	const initdb = await startProcess(
		executable(home, 'initdb'),
		[
			...[
				'--pgdata',
				partial,
				'--username=postgres',
				'--auth=scram-sha-256',
				`--pwfile=${password}`
			],
			// The root collation orders accents and ñ as a reader expects, the same on every machine.
			...['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=und'],
			'--no-sync'
		],
		{ ...ids(home), cwd: partial, stdio: ['ignore', output, output], env: serverEnv() }
	);
	const end = await initdb.ended;
	rmSync(password);
	if (initdb.child.exitCode !== 0) throw new Error(`initdb ${end}:\n${tail(log)}`);
	writeFileSync(join(partial, 'erp_core.json'), JSON.stringify(secrets), { mode: 0o600 });
	renameSync(partial, home.dataDir);
}

interface Secrets {
	admin: string;
	owner: string;
}

function readSecrets(home: PostgresHome): Secrets {
	return JSON.parse(readFileSync(join(home.dataDir, 'erp_core.json'), 'utf8')) as Secrets;
}

/** PostgreSQL sees itself whether a pid file is stale, except when the number now belongs to another program. */
async function stopLeftover(home: PostgresHome): Promise<void> {
	const file = join(home.dataDir, 'postmaster.pid');
	if (!existsSync(file)) return;
	const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
	if (!isAlive(pid)) return;
	if (!commandLine(pid).includes(home.dataDir)) {
		rmSync(file);
		return;
	}
	process.kill(pid, 'SIGINT');
	for (let tries = 0; tries < 200 && isAlive(pid); tries++) await sleep(50);
	if (isAlive(pid))
		throw new Error(`An earlier PostgreSQL (process ${pid}) does not stop; end it first`);
}

function commandLine(pid: number): string {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
	} catch {
		// No /proc here: leave the decision to PostgreSQL by reporting nothing of ours.
		return '';
	}
}

function launch(home: PostgresHome, log: string, port: number, durable: boolean): Promise<Running> {
	const output = openSync(log, 'w');
	const settings = {
		listen_addresses: '127.0.0.1',
		unix_socket_directories: '',
		timezone: 'UTC',
		log_timezone: 'UTC',
		max_connections: '200',
		...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' })
	};
	const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
	return startProcess(
		executable(home, 'postgres'),
		['-D', home.dataDir, '-p', String(port), ...flags],
		{
			...ids(home),
			cwd: home.dataDir,
			stdio: ['ignore', output, output],
			env: serverEnv(),
			// The fast shutdown: sessions are cut, nothing is lost, no recovery at the next start.
			stopSignal: 'SIGINT'
		}
	);
}

async function waitUntilUp(url: string, server: Running, log: string): Promise<void> {
	let ended = '';
	void server.ended.then((how) => (ended = how));
	for (let tries = 0; tries < 1200; tries++) {
		if (ended) throw new Error(`PostgreSQL ${ended}:\n${tail(log)}`);
		const client = new pg.Client({ connectionString: url });
		// A connection that breaks while the server starts is reported by connect() too.
		client.on('error', () => undefined);
		try {
			await client.connect();
			return;
		} catch {
			await sleep(25);
		} finally {
			await client.end().catch(() => undefined);
		}
	}
	throw new Error(`PostgreSQL did not come up:\n${tail(log)}`);
}

/** CREATEROLE: migrations create the role `erp_tenant`. CREATEDB: Prisma's shadow database and the tests' clones. */
async function createOwner(admin: string, password: string): Promise<void> {
	const client = new pg.Client({ connectionString: admin });
	await client.connect();
	try {
		const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [OWNER]);
		if (role.rowCount === 0) {
			await client.query(
				`CREATE ROLE ${OWNER} LOGIN CREATEROLE CREATEDB PASSWORD ${client.escapeLiteral(password)}`
			);
		}
		const database = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
		if (database.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`);
	} finally {
		await client.end();
	}
}

function executable(home: PostgresHome, name: string): string {
	const file = join(home.native, 'bin', name);
	// npm drops the executable bit of some archives; where the bit is there, the file may belong to somebody else.
	if ((statSync(file).mode & 0o111) !== 0o111) chmodSync(file, 0o755);
	return file;
}

function ids(home: PostgresHome): { uid?: number; gid?: number } {
	return home.uid === undefined ? {} : { uid: home.uid, gid: home.gid };
}

/** PGHOST and friends of the caller's shell must not reach the server. */
function serverEnv(): NodeJS.ProcessEnv {
	const own = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
	return { ...Object.fromEntries(own), LC_ALL: 'C', TZ: 'UTC' };
}

function randomPort(): number {
	return 20_000 + Math.floor(Math.random() * 30_000);
}

function tail(file: string): string {
	return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
}
