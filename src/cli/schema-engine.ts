import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum, bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';
import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

export const prismaFolder = fileURLToPath(new URL('../../prisma', import.meta.url));
export const migrationsFolder = join(prismaFolder, 'migrations');

/** Tables and enums that the engine must not look at: none. */
export const filters = { externalTables: [], externalEnums: [] };

/**
 * Runs Prisma's own migration engine in WebAssembly, through the JavaScript driver: nothing is downloaded.
 * @throws Error with the engine's words
 */
export async function withEngine<T>(
	databaseUrl: string,
	run: (engine: SchemaEngine) => Promise<T>
): Promise<T> {
	await instantiate();
	const factory = new MigrationAdapterFactory(databaseUrl);
	// A panic ends the process from inside WebAssembly; these are its only words.
	Object.assign(globalThis, {
		PRISMA_WASM_PANIC_REGISTRY: {
			set_message: (message: string) =>
				process.stderr.write(`${message}
`)
		}
	});
	try {
		const engine = await engineModule.SchemaEngine.new(
			{ datamodels: readSchema() },
			() => undefined,
			bindMigrationAwareSqlAdapterFactory(factory)
		);
		const result = await run(engine);
		engine.free();
		return result;
	} finally {
		// The engine's advisory lock lives as long as its session.
		await factory.close();
	}
}

/** `[path, text]` of every schema file. */
export function readSchema(): [string, string][] {
	return readdirSync(prismaFolder, { recursive: true, encoding: 'utf8' })
		.filter((name) => name.endsWith('.prisma') && !name.startsWith('generated'))
		.sort()
		.map((name) => [join('prisma', name), readFileSync(join(prismaFolder, name), 'utf8')]);
}

/** What is in `prisma/migrations`, oldest first. */
export function readMigrations(): MigrationList {
	const names = readdirSync(migrationsFolder, { withFileTypes: true })
		.filter((entry) => entry.isDirectory())
		.map((entry) => entry.name)
		.sort();
	return {
		baseDir: relative(process.cwd(), migrationsFolder),
		lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
		shadowDbInitScript: '',
		migrationDirectories: names.map((name) => ({
			path: name,
			migrationFile: {
				path: 'migration.sql',
				content: {
					tag: 'ok',
					value: readFileSync(join(migrationsFolder, name, 'migration.sql'), 'utf8')
				}
			}
		}))
	};
}

let instantiated: Promise<void> | undefined;

function instantiate(): Promise<void> {
	instantiated ??= (async () => {
		const entry = createRequire(import.meta.url).resolve(
			'@prisma/schema-engine-wasm/schema_engine_bg'
		);
		const bytes = readFileSync(join(dirname(entry), 'schema_engine_bg.wasm'));
		const { instance } = await WebAssembly.instantiate(bytes, {
			'./schema_engine_bg.js': engineModule as unknown as WebAssembly.ModuleImports
		});
		engineModule.__wbg_set_wasm(instance.exports);
		const start = instance.exports.__wbindgen_start;
		if (typeof start === 'function') start();
	})();
	return instantiated;
}

type Connection = Awaited<ReturnType<PrismaPg['connect']>>;

/**
 * Three things that the driver adapter does not do right for migrations: it cuts a script at every semicolon, which breaks
 * function bodies; it drops the shadow database while its own pool is still connected; it does not know a catalogue type.
 */
class MigrationAdapterFactory extends PrismaPg {
	readonly #url: string;
	readonly #pool: pg.Pool;

	constructor(url: string) {
		const pool = migrationPool(url);
		super(pool);
		this.#url = url;
		this.#pool = pool;
	}

	override async connect(): Promise<Connection> {
		return repaired(await super.connect());
	}

	close(): Promise<void> {
		return this.#pool.end();
	}

	override async connectToShadowDb(): Promise<Connection> {
		const name = `prisma_shadow_${globalThis.crypto.randomUUID().replaceAll('-', '')}`;
		await query(this.#url, `CREATE DATABASE ${name}`);
		const url = new URL(this.#url);
		url.pathname = `/${name}`;
		const pool = migrationPool(url.href);
		const connection = repaired(await new PrismaPg(pool).connect());
		connection.dispose = async () => {
			await pool.end();
			await query(this.#url, `DROP DATABASE ${name} WITH (FORCE)`);
		};
		return connection;
	}
}

function repaired(connection: Connection): Connection {
	// One message to the server is one implicit transaction: a migration applies whole or not at all.
	connection.executeScript = async (script) => {
		await connection.underlyingDriver().query(script);
	};
	const queryRaw = connection.queryRaw.bind(connection);
	connection.queryRaw = async (sql) => {
		const result = await queryRaw(sql);
		for (const column of internalChars.get(result.rows) ?? []) {
			result.columnTypes[column] = ColumnTypeEnum.Character;
		}
		return result;
	};
	return connection;
}

// PostgreSQL's one-byte type of catalogue columns is unknown to the adapter: it is let through as text and named afterwards.
const INTERNAL_CHAR = 18;
const TEXT = 25;
const internalChars = new WeakMap<object, number[]>();

function migrationPool(url: string): pg.Pool {
	const pool = new pg.Pool({ connectionString: url, max: 1 });
	const original: (config: pg.QueryConfig | string) => Promise<pg.QueryResult> =
		pool.query.bind(pool);
	return Object.assign(pool, {
		query: async (config: pg.QueryConfig | string) => {
			const result = await original(config);
			const columns: number[] = [];
			for (const [column, field] of (result.fields ?? []).entries()) {
				if (field.dataTypeID !== INTERNAL_CHAR) continue;
				field.dataTypeID = TEXT;
				columns.push(column);
			}
			if (columns.length > 0) internalChars.set(result.rows, columns);
			return result;
		}
	});
}

async function query(url: string, sql: string): Promise<void> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		await client.query(sql);
	} finally {
		await client.end();
	}
}
