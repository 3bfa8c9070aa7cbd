import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { db } from '#lib/core/db.server.ts';

export interface TestDatabase {
	/** Connection string as the non-superuser who owns the tables; also in `process.env.DATABASE_URL`. */
	url: string;
}

/**
 * Gives this test file a database of its own, migrated and with the reference data, dropped after its last test:
 * `await testDatabase();` at the top of the file, before anything touches `db`.
 */
export async function testDatabase(): Promise<TestDatabase> {
	const name = `${inject('clonePrefix')}${randomBytes(4).toString('hex')}`;
	await onServer(`CREATE DATABASE ${name} TEMPLATE ${inject('template')} STRATEGY FILE_COPY`);
	const url = new URL(inject('serverUrl'));
	url.pathname = `/${name}`;
	process.env.DATABASE_URL = url.href;
	process.env.DATABASE_DIRECT_URL = url.href;
	afterAll(async () => {
		await db.$disconnect();
		await dropDatabase(name);
	});
	return { url: url.href };
}

/** A vacuum that PostgreSQL runs in it by itself may be ended by a superuser alone, and is over soon. */
async function dropDatabase(name: string, tries = 20): Promise<void> {
	try {
		await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
	} catch (error) {
		if (!(error instanceof pg.DatabaseError && error.code === '42501') || tries === 0) throw error;
		await sleep(250);
		await dropDatabase(name, tries - 1);
	}
}

async function onServer(sql: string): Promise<void> {
	const client = new pg.Client({ connectionString: inject('serverUrl') });
	await client.connect();
	try {
		await client.query(sql);
	} finally {
		await client.end();
	}
}
