/**
 * `npm run seed:scale`: five years of a large platform (100,000 customers, 120,000 subscriptions, 1.5 million invoices,
 * 5 million movements of the MRR) in the database of DATABASE_URL or, without one, of the demo. Everything adds up:
 * movements to the MRR, lines to invoices, heads to customers. All or nothing: who stops it has changed nothing.
 *
 *   npm run seed:scale -- --customers 1000      a smaller platform; a later, larger one continues it
 */
import { join } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { runningPostgres, startPostgres } from './postgres.ts';
import { FUNCTIONS, INSERTS, SIMULATION } from './scale-sql.ts';

export const WHOLE = 100_000;
/** From so many customers on it is faster to build indexes at the end. */
const MANY = 5_000;
/** Tables whose indexes and references would cost more than the rows. */
const LARGE = ['mrr_movements', 'invoices', 'invoice_lines'];

/**
 * Continues the platform of an earlier call until it has so many customers; each has 50 movements and 15 invoices.
 * @returns how many rows each table was given
 */
export async function seedScale(
	databaseUrl: string,
	customers = WHOLE,
	onStep: (text: string) => void = () => undefined
): Promise<Record<string, number>> {
	const client = new pg.Client({ connectionString: databaseUrl });
	await client.connect();
	const rows: Record<string, number> = {};
	try {
		const lo = (await existing(client)) + 1;
		if (lo > customers) return rows;
		const count = customers - lo + 1;
		const values = { lo, hi: customers, movements: count * 50, invoices: count * 15 };
		const run = async (sql: string) => {
			const named = sql.replace(/\$(lo|hi|movements|invoices)\b/g, (_, name: keyof typeof values) =>
				String(values[name])
			);
			return (await client.query(named)).rowCount ?? 0;
		};
		await client.query('BEGIN');
		for (const [name, value] of [
			...[
				['work_mem', '256MB'],
				['maintenance_work_mem', '512MB'],
				['synchronous_commit', 'off']
			],
			// Built for one run: compiling costs more than it saves.
			...[
				['jit', 'off'],
				['statement_timeout', '0'],
				['TimeZone', 'UTC']
			]
		])
			await client.query(`SET LOCAL ${name} = '${value}'`);
		for (const sql of FUNCTIONS) await run(sql);
		onStep('who there is');
		for (const sql of SIMULATION) await run(sql);
		for (const table of ['sim_customer', 'sim_sub', 'sim_move']) await run(`ANALYZE ${table}`);
		// Months that are summed would each ask whether a row is theirs.
		await run('DELETE FROM figure_months');
		const restore = count >= MANY ? await withoutIndexes(client) : async () => undefined;
		for (const { table, sql } of INSERTS) {
			onStep(table);
			rows[table] = await run(sql);
			if (table === 'invoices') await run('ANALYZE invoices');
		}
		onStep('indexes');
		await restore();
		await client.query('COMMIT');
		onStep('statistics');
		// What autovacuum would have done long ago.
		for (const { table } of INSERTS) await client.query(`VACUUM ANALYZE ${table}`);
		await closeMonths(client);
		return rows;
	} finally {
		await client.end();
	}
}

/** Has the worker sum the months that are over at once, rather than within the half hour. */
async function closeMonths(client: pg.Client): Promise<void> {
	const { rows } = await client.query<{ is_there: boolean }>(
		`SELECT to_regclass('pgboss.job') IS NOT NULL AS is_there`
	);
	if (!rows[0]?.is_there) return;
	await client.query(
		`INSERT INTO pgboss.job (name, data) SELECT name, '{}' FROM pgboss.queue WHERE name = 'billing.close-months'`
	);
}

/** Customers of earlier calls. */
async function existing(client: pg.Client): Promise<number> {
	const { rows } = await client.query<{ n: string | null }>(
		`SELECT max(substr(stripe_customer_id, 10)::bigint) AS n FROM customers WHERE stripe_customer_id LIKE 'cus\\_scale%'`
	);
	return Number(rows[0]?.n ?? 0);
}

/** Drops what every row would pay for. @returns what puts it back, as it was */
async function withoutIndexes(client: pg.Client): Promise<() => Promise<void>> {
	const keys = await client.query<{ table: string; name: string; definition: string }>(
		`SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS definition
		FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY($1::regclass[])`,
		[LARGE]
	);
	const indexes = await client.query<{ name: string; definition: string }>(
		`SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
		FROM pg_index WHERE NOT indisunique AND indrelid = ANY($1::regclass[])`,
		[LARGE]
	);
	for (const { table, name } of keys.rows)
		await client.query(`ALTER TABLE ${table} DROP CONSTRAINT "${name}"`);
	for (const { name } of indexes.rows) await client.query(`DROP INDEX ${name}`);
	return async () => {
		for (const { definition } of indexes.rows) await client.query(definition);
		for (const { table, name, definition } of keys.rows)
			await client.query(`ALTER TABLE ${table} ADD CONSTRAINT "${name}" ${definition}`);
	};
}

async function main(): Promise<void> {
	if (process.env.APP_ENV === 'production') throw new Error('Never in production.');
	const { values } = parseArgs({ options: { customers: { type: 'string' } } });
	const customers = Number(values.customers ?? WHOLE);
	if (!Number.isSafeInteger(customers) || customers < 1 || customers > 10_000_000)
		throw new Error('--customers takes a whole number from 1 to 10,000,000.');
	const { url, stop } = await database();
	const begun = Date.now();
	const seconds = () => ((Date.now() - begun) / 1_000).toFixed(1).padStart(6);
	try {
		const rows = await seedScale(url, customers, (text) =>
			console.log(`${seconds()} s  ${text} …`)
		);
		for (const [table, count] of Object.entries(rows))
			console.log(`${count.toLocaleString('en').padStart(12)}  ${table}`);
		console.log(`Done in ${seconds().trim()} s.`);
	} finally {
		await stop();
	}
}

/** The database of the environment, or the demo's, which is started for the time where no demo runs. */
async function database(): Promise<{ url: string; stop: () => Promise<void> }> {
	const given = process.env.DATABASE_DIRECT_URL ?? process.env.DATABASE_URL;
	if (given) return { url: given, stop: async () => undefined };
	const dataDir = join(
		process.env.DEMO_DATA_DIR || fileURLToPath(new URL('../../.data', import.meta.url)),
		'postgres'
	);
	const running = runningPostgres(dataDir);
	if (running) return { url: running, stop: async () => undefined };
	const { url, stop } = await startPostgres({ dataDir });
	return { url, stop };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
	await main().catch((error: unknown) => {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 1;
	});
}
