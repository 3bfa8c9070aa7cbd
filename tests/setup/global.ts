import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/cli/migrate.ts';
import { migrationsFolder, prismaFolder } from '../../src/cli/schema-engine.ts';
import { scratchServer } from '../../src/cli/scratch.ts';

declare module 'vitest' {
	interface ProvidedContext {
		/** Connection string of the server's own database, as the non-superuser who owns everything. */
		serverUrl: string;
		/** The migrated database that test files clone. */
		template: string;
		/** Begins the name of every clone of this run. */
		clonePrefix: string;
	}
}

/** One PostgreSQL per run and one migrated template; see database.ts for the clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	const server = await scratchServer();
	const clonePrefix = `erp_test_${process.pid}_${randomBytes(3).toString('hex')}_`;
	try {
		const template = await prepareTemplate(server.url);
		project.provide('serverUrl', server.url);
		project.provide('template', template);
		project.provide('clonePrefix', clonePrefix);
	} catch (error) {
		await server.stop();
		throw error;
	}
	return async () => {
		if (server.shared) await dropClones(server.url, clonePrefix);
		await server.stop();
	};
}

/** @returns the name of a database that has all migrations and the reference data */
async function prepareTemplate(serverUrl: string): Promise<string> {
	const template = `erp_template_${schemaHash()}`;
	const client = new pg.Client({ connectionString: serverUrl });
	await client.connect();
	try {
		// Two runs may start on a shared server at the same time.
		await client.query("SELECT pg_advisory_lock(hashtext('erp-core test template'))");
		const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [
			template
		]);
		if (rowCount === 0) {
			// Renamed when it is whole: a run that is killed half-way leaves no template behind.
			const partial = `${template}_${process.pid}`;
			await client.query(`DROP DATABASE IF EXISTS ${partial} WITH (FORCE)`);
			await client.query(`CREATE DATABASE ${partial}`);
			const url = new URL(serverUrl);
			url.pathname = `/${partial}`;
			await migrate(url.href);
			await client.query(`ALTER DATABASE ${partial} RENAME TO ${template}`);
		}
		return template;
	} finally {
		await client.end();
	}
}

/** Changes with anything that decides what a migrated database holds. */
function schemaHash(): string {
	const hash = createHash('sha256');
	for (const name of readdirSync(migrationsFolder, { recursive: true, encoding: 'utf8' }).sort()) {
		if (!name.endsWith('.sql')) continue;
		hash.update(name).update(readFileSync(join(migrationsFolder, name)));
	}
	// What the reference data is made of.
	for (const name of ['prisma/reference.ts', 'src/lib/identity/permissions.ts']) {
		const file = join(prismaFolder, '..', name);
		if (existsSync(file)) hash.update(readFileSync(file));
	}
	return hash.digest('hex').slice(0, 16);
}

async function dropClones(serverUrl: string, prefix: string): Promise<void> {
	const client = new pg.Client({ connectionString: serverUrl });
	await client.connect();
	try {
		const { rows } = await client.query<{ datname: string }>(
			'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
			[prefix]
		);
		for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
	} finally {
		await client.end();
	}
}
