import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Vendors } from './environment.ts';
import { removePostgres } from './postgres.ts';
import { isAlive } from './processes.ts';

/** `.data/demo.json`: what scripts need to use the demo. */
export interface DemoFile {
	app: string;
	sandbox: string;
	staff: { email: string; password: string };
	customer: { email: string; password: string };
	/** Written by the seed. */
	api_token?: string;
	vendors: Vendors;
}

/** What is made up once per data folder and kept. */
export interface DemoSecrets {
	/** 32 bytes, base64. */
	secrets_key: string;
	staff_password: string;
	customer_password: string;
	/** First port of the sandbox; the database keeps the addresses of its nodes. */
	sandbox_port: number;
}

/** Reads the secrets of this data folder, or makes them up. */
export function demoSecrets(dataDir: string, sandboxPort: number): DemoSecrets {
	const file = join(dataDir, 'demo-secrets.json');
	const kept: Partial<DemoSecrets> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
	const secrets: DemoSecrets = {
		secrets_key: randomBytes(32).toString('base64'),
		staff_password: randomBytes(12).toString('base64url'),
		customer_password: randomBytes(12).toString('base64url'),
		...kept,
		sandbox_port: sandboxPort
	};
	write(file, secrets);
	return secrets;
}

/** The sandbox's port of the last start, so that stored addresses stay right. */
export function rememberedSandboxPort(dataDir: string): number | undefined {
	const file = join(dataDir, 'demo-secrets.json');
	if (!existsSync(file)) return undefined;
	return (JSON.parse(readFileSync(file, 'utf8')) as Partial<DemoSecrets>).sandbox_port;
}

export function demoFilePath(dataDir: string): string {
	return join(dataDir, 'demo.json');
}

/** Writes demo.json, keeping the API token that an earlier seed stored there. */
export function writeDemoFile(dataDir: string, demo: DemoFile): void {
	const file = demoFilePath(dataDir);
	const earlier: Partial<DemoFile> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
	write(file, { ...demo, ...(earlier.api_token ? { api_token: earlier.api_token } : {}) });
}

/**
 * Marks the data folder as in use by this process.
 * @returns what ends that
 * @throws Error when a demo runs on it
 */
export function claim(dataDir: string): () => void {
	const file = join(dataDir, 'demo.pid');
	mkdirSync(dataDir, { recursive: true });
	if (existsSync(file)) {
		const pid = Number(readFileSync(file, 'utf8'));
		if (pid && isAlive(pid) && isOurs(pid)) {
			throw new Error(`A demo already runs on ${dataDir} (process ${pid}); stop it first.`);
		}
	}
	writeFileSync(file, String(process.pid));
	return () => rmSync(file, { force: true });
}

/** Empties the data folder of everything that the demo keeps. Whatever else lies there stays. */
export function forget(dataDir: string): void {
	removePostgres(join(dataDir, 'postgres'));
	for (const name of ['sandbox', 'demo.json', 'demo-secrets.json', 'logs']) {
		rmSync(join(dataDir, name), { recursive: true, force: true });
	}
}

/** The number of a demo that was killed may belong to another program by now. */
function isOurs(pid: number): boolean {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('cli');
	} catch {
		// Without /proc the safe answer is yes: two servers on one data folder must not happen.
		return true;
	}
}

/** Whole or not at all, and for our eyes only: these files hold passwords. */
function write(file: string, content: object): void {
	writeFileSync(`${file}.tmp`, `${JSON.stringify(content, null, '\t')}\n`, { mode: 0o600 });
	renameSync(`${file}.tmp`, file);
}
