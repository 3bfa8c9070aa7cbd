import { expect, test } from 'vitest';
import pg from 'pg';
import { testDatabase } from '../../tests/setup/database.ts';
import { filters, withEngine } from './schema-engine.ts';

const { url } = await testDatabase();

const migrations = (sql: string) => ({
	baseDir: 'prisma/migrations',
	lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
	shadowDbInitScript: '',
	migrationDirectories: [
		{
			path: '0_try',
			migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: sql } }
		}
	]
});

async function onFreshDatabase(name: string, sql: string): Promise<unknown[]> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	await client.query(`CREATE DATABASE ${name}`);
	const own = new URL(url);
	own.pathname = `/${name}`;
	const inside = new pg.Client({ connectionString: own.href });
	try {
		await withEngine(own.href, (engine) =>
			engine.applyMigrations({ migrationsList: migrations(sql), filters })
		).catch(() => undefined);
		await inside.connect();
		return (await inside.query("SELECT proname FROM pg_proc WHERE proname IN ('one', 'two')")).rows;
	} finally {
		await inside.end();
		await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
		await client.end();
	}
}

const one = "CREATE FUNCTION one() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN ';'; END; $$;";

test('semicolons in function bodies and texts stay where they are', async () => {
	expect(await onFreshDatabase(`semicolons_${process.pid}`, one)).toEqual([{ proname: 'one' }]);
});

test('a migration applies whole or not at all', async () => {
	const broken = `${one} CREATE FUNCTION two() RETURNS nonsense LANGUAGE sql AS 'SELECT 1';`;
	expect(await onFreshDatabase(`whole_${process.pid}`, broken)).toEqual([]);
});
