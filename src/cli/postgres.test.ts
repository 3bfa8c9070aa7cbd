import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { startPostgres } from './postgres.ts';
import { isAlive } from './processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'erp-core-postgres-'));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const options = { dataDir: join(folder, 'data'), port: 0, durable: false };

async function query(url: string, sql: string): Promise<unknown[]> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		return (await client.query(sql)).rows;
	} finally {
		await client.end();
	}
}

test('data survives a stop, and so does a start over a server that was left behind', async () => {
	const first = await startPostgres(options);
	await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS number');
	await first.stop();

	const left = await startPostgres(options);
	const pid = Number(readFileSync(join(options.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
	const third = await startPostgres(options);
	await left.ended;
	expect(isAlive(pid)).toBe(false);
	expect(await query(third.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
	await third.stop();
});

test('a pid file whose number belongs to another program by now is no hindrance', async () => {
	writeFileSync(join(options.dataDir, 'postmaster.pid'), `${process.pid}\n`);
	const server = await startPostgres(options);
	expect(await query(server.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
	await server.stop();
});

test('the owner may create the tenant role and is no superuser', async () => {
	const server = await startPostgres(options);
	await query(server.url, 'CREATE ROLE erp_tenant NOLOGIN');
	await query(server.url, 'GRANT erp_tenant TO CURRENT_USER WITH SET TRUE, INHERIT FALSE');
	expect(
		await query(server.url, "SELECT rolsuper FROM pg_roles WHERE rolname = 'erp_owner'")
	).toEqual([{ rolsuper: false }]);
	await server.stop();
});
