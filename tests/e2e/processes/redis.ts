import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Redis } from 'ioredis';
import { startProcess } from '../../../src/cli/processes.ts';

const NAMES = ['redis-server', 'valkey-server'];

export interface RedisServer {
	url: string;
	/** A connection of the test's own. */
	client: Redis;
	stop(): Promise<void>;
}

/**
 * A Redis of this machine on this port, empty and kept in memory; Debian's is installed where that can be done.
 * @returns null where there is none to be had: the product needs none either
 */
export async function startRedis(port: number): Promise<RedisServer | null> {
	const program = findRedis() ?? install();
	if (!program) return null;
	const running = await startProcess(
		program,
		['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
		{ stdio: 'ignore' }
	);
	const url = `redis://127.0.0.1:${port}`;
	const client = new Redis(url, { retryStrategy: () => 100, maxRetriesPerRequest: 100 });
	// Until it listens, each try says that it does not.
	client.on('error', () => undefined);
	await client.ping();
	return {
		url,
		client,
		stop: async () => {
			client.disconnect();
			await running.stop();
		}
	};
}

function findRedis(): string | null {
	const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
	return (
		folders
			.flatMap((folder) => NAMES.map((name) => join(folder, name)))
			.find((path) => existsSync(path)) ?? null
	);
}

/** As `ensureChromium` does, whose lists of packages are mostly there by now. */
function install(): string | null {
	if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return null;
	const apt = (...words: string[]) => {
		const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
		return spawnSync('apt-get', ['-y', '-q', ...words], { env, stdio: 'ignore' }).status === 0;
	};
	const packages = ['install', '--no-install-recommends', 'redis-server'];
	if (!apt(...packages)) {
		apt('update');
		apt(...packages);
	}
	return findRedis();
}
