import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type PostgresServer, removePostgres, startPostgres } from './postgres.ts';

/** Where `npm run test:db` says which server it keeps running. */
export const sharedServerFile = fileURLToPath(new URL('../../.data/test-db.json', import.meta.url));

/** A server for throw-away databases, and whether it is ours to stop. */
export type ScratchServer = Pick<PostgresServer, 'url' | 'stop'> & { shared: boolean };

/** The server named by TEST_DATABASE_SERVER_URL, the one of `npm run test:db`, or a new one that is gone afterwards. */
export async function scratchServer(): Promise<ScratchServer> {
	for (const url of [process.env.TEST_DATABASE_SERVER_URL, sharedServerUrl()]) {
		if (url && (await answers(url))) return { url, shared: true, stop: async () => undefined };
	}
	const dir = mkdtempSync(join(tmpdir(), 'erp-core-test-'));
	// As root the server runs as somebody else, who must be able to walk in.
	chmodSync(dir, 0o755);
	const dataDir = join(dir, 'postgres');
	const server = await startPostgres({ dataDir, port: 0, durable: false });
	return {
		url: server.url,
		shared: false,
		stop: async () => {
			await server.stop();
			removePostgres(dataDir);
			rmSync(dir, { recursive: true, force: true });
		}
	};
}

/** Runs with the URL of a database on a scratch server. */
export async function withScratchDatabase<T>(run: (url: string) => Promise<T>): Promise<T> {
	const server = await scratchServer();
	try {
		return await run(server.url);
	} finally {
		await server.stop();
	}
}

function sharedServerUrl(): string | undefined {
	try {
		const { url } = JSON.parse(readFileSync(sharedServerFile, 'utf8')) as { url: string };
		return url;
	} catch {
		// Nobody started one.
		return undefined;
	}
}

async function answers(url: string): Promise<boolean> {
	const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
	client.on('error', () => undefined);
	try {
		await client.connect();
		return true;
	} catch {
		return false;
	} finally {
		await client.end().catch(() => undefined);
	}
}
