import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import {
	filters,
	migrationsFolder,
	prismaFolder,
	readMigrations,
	readSchema,
	withEngine
} from './schema-engine.ts';

// Any number that nobody else in this database takes; two starts at the same time wait for each other.
const LOCK = 7_206_515_201;

/**
 * Applies what is new in `prisma/migrations` and upserts the reference data (plans, roles …). Runs safely beside another.
 * @param databaseUrl a direct connection (no transaction pooler) as the owner of the tables
 * @returns the names of the migrations that were applied now
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
	const lock = new pg.Client({ connectionString: databaseUrl });
	await lock.connect();
	try {
		await lock.query('SELECT pg_advisory_lock($1)', [LOCK]);
		const { appliedMigrationNames } = await withEngine(databaseUrl, (engine) =>
			engine.applyMigrations({ migrationsList: readMigrations(), filters })
		);
		await seedReferenceData(databaseUrl);
		return appliedMigrationNames;
	} finally {
		await lock.end();
	}
}

/** SQL that leads from the migrations to `prisma/**.prisma`; empty when they agree. @param url where a database may be created */
export async function schemaDifference(url: string): Promise<string> {
	const files = readSchema().map(([path, content]) => ({ path, content }));
	const { stdout } = await withEngine(url, (engine) =>
		engine.diff({
			from: { tag: 'migrations', ...readMigrations() },
			to: { tag: 'schemaDatamodel', files },
			script: true,
			exitCode: null,
			filters
		})
	);
	const sql = (stdout ?? '').trim();
	return sql === '-- This is an empty migration.' ? '' : sql;
}

/** How the database stands to the migrations: names not yet applied, failed, or edited since. */
export async function migrationStatus(
	databaseUrl: string
): Promise<{ pending: string[]; failed: string[]; edited: string[] }> {
	const found = await withEngine(databaseUrl, (engine) =>
		engine.diagnoseMigrationHistory({
			migrationsList: readMigrations(),
			optInToShadowDatabase: false,
			filters
		})
	);
	const { history } = found;
	return {
		pending: history && 'unappliedMigrationNames' in history ? history.unappliedMigrationNames : [],
		failed: found.failedMigrationNames,
		edited: found.editedMigrationNames
	};
}

async function seedReferenceData(databaseUrl: string): Promise<void> {
	const file = join(prismaFolder, 'reference.ts');
	if (!existsSync(file)) return;
	const { seedReference } = await import(/* @vite-ignore */ pathToFileURL(file).href);
	const { PrismaClient } = await import(
		/* @vite-ignore */ pathToFileURL(join(prismaFolder, 'generated/client.ts')).href
	);
	const db = new PrismaClient({
		adapter: new PrismaPg({ connectionString: databaseUrl, max: 2 })
	});
	try {
		await seedReference(db);
	} finally {
		await db.$disconnect();
	}
}

async function writeMigration(name: string | undefined): Promise<void> {
	if (!name || !/^[a-z0-9_]+$/.test(name)) {
		throw new Error('usage: npm run db:new <name_in_lower_case>');
	}
	// Needs the embedded PostgreSQL, which production images do not have.
	const { withScratchDatabase } = await import('./scratch.ts');
	const sql = await withScratchDatabase(schemaDifference);
	const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
	const folder = join(migrationsFolder, `${stamp}_${name}`);
	mkdirSync(folder, { recursive: true });
	const text = sql || '-- The models did not change. Write the SQL here.';
	writeFileSync(join(folder, 'migration.sql'), `${text}\n`);
	writeFileSync(join(migrationsFolder, 'migration_lock.toml'), 'provider = "postgresql"\n');
	console.log(`${folder}/migration.sql\nAppend policies, grants and functions by hand.`);
}

function databaseUrl(): string {
	const url = process.env.DATABASE_DIRECT_URL || process.env.DATABASE_URL;
	if (!url)
		throw new Error('Set DATABASE_URL, or DATABASE_DIRECT_URL where a pooler stands in between');
	return url;
}

if (import.meta.main) {
	const [command = 'apply', name] = process.argv.slice(2);
	if (command === 'new') await writeMigration(name);
	else if (command === 'diff') console.log((await schemaDifference(databaseUrl())) || 'none');
	else if (command === 'status') {
		const { pending, failed, edited } = await migrationStatus(databaseUrl());
		console.log(`pending: ${pending.join(', ') || 'none'}`);
		if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
		if (edited.length > 0) console.log(`edited after being applied: ${edited.join(', ')}`);
		process.exitCode = failed.length > 0 || edited.length > 0 ? 1 : 0;
	} else {
		const applied = await migrate(databaseUrl());
		console.log(applied.length > 0 ? `applied: ${applied.join(', ')}` : 'nothing to apply');
	}
}
