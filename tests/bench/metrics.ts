import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { z } from 'zod';
import { timesOf } from './load.ts';
import { figure, heading } from './report.ts';
import { bareQuery, type World } from './world.ts';

const RAW_DAYS = 30;
const YEAR = 365;
/** A curve of its own for each subject. */
const VALUES = (at: string) =>
	`0.2 + 0.1 * sin(extract(epoch FROM ${at}) / 9000 + n), 2000 + 500 * sin(extract(epoch FROM ${at}) / 50000 + n)`;

const measured = z.object({
	ranges: z.record(z.string(), z.array(z.number())),
	rollUpMs: z.number(),
	untilFullMs: z.number()
});

/** What a year of so many containers leaves in the database, and how long charts of it take. */
export async function benchMetrics(world: World, containers: number): Promise<void> {
	heading(`Metrics: a year of ${containers.toLocaleString('en')} containers`);
	console.log('  writing rows …');
	await fill(world.sql, containers);
	for (const table of ['resource_metrics', 'resource_metrics_hourly', 'resource_metrics_daily']) {
		const { rows } = await world.sql.query<{ rows: string; bytes: string }>(
			`SELECT (SELECT count(*) FROM ${table}) AS rows,
				(SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = '${table}'::regclass) AS bytes`
		);
		const { rows: count, bytes } = rows[0]!;
		console.log(`  ${table}: ${Number(count).toLocaleString('en')} rows`);
		figure({ what: `${table} with indexes`, value: Number(bytes) / 2 ** 20, unit: 'MB' });
	}
	const script = fileURLToPath(new URL('./metric-series.ts', import.meta.url));
	const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
		...{ env: world.env, encoding: 'utf8', maxBuffer: 2 ** 26 }
	});
	if (status !== 0) throw new Error(`charts were not measured:\n${stderr}`);
	const found = measured.parse(JSON.parse(stdout.trim().split('\n').at(-1)!));
	const bare = await bareQuery(world.sql);
	for (const [range, values] of Object.entries(found.ranges)) {
		const { p50, p99 } = timesOf(values);
		figure({ what: `Chart of ${range}, p50`, value: p50, unit: 'ms' });
		figure({
			what: `Chart of ${range}, p99`,
			value: p99,
			unit: 'ms',
			aim: 100,
			reference: { what: 'SELECT 1, p95', value: bare.p95 }
		});
	}
	figure({ what: 'Roll-up of the last hours', value: found.rollUpMs, unit: 'ms' });
	figure({ what: 'Days until full of all nodes', value: found.untilFullMs, unit: 'ms' });
}

/** Raw values of a month in partitions of days, hours and days of a year in partitions of months. */
async function fill(sql: pg.Client, containers: number): Promise<void> {
	for (let ago = YEAR; ago >= -1; ago -= 27)
		await sql.query(`SELECT ensure_rollup_partitions((now() - interval '${ago} days')::date)`);
	// The nodes that there are tell how far the roll-up has come.
	await sql.query(
		`CREATE TEMP TABLE subjects AS
		SELECT n, md5('metrics-' || n)::uuid AS id, NULL::uuid AS node_id, md5('metrics-' || n)::uuid AS container_id
		FROM generate_series(1, $1::int) n
		UNION ALL SELECT row_number() OVER ()::int, id, id, NULL FROM proxmox_nodes`,
		[containers]
	);
	const sum = (table: string, step: string) =>
		sql.query(
			`INSERT INTO ${table} (subject_id, at, samples, cpu_avg, ram_avg_mb, cpu_max, ram_max_mb, disk_max_gb, network_in_kb,
				network_out_kb, latency_avg_ms, latency_max_ms, tenants_max)
			SELECT id, at, 12, ${VALUES('at')}, 0.5, 2600, 20 + n % 10, 9000, 18000, 180, 900, 1
			FROM generate_series(date_trunc('${step}', now(), 'UTC') - interval '${YEAR} days', date_trunc('${step}', now(), 'UTC') - interval '1 ${step}', interval '1 ${step}') at,
				subjects`
		);
	await sum('resource_metrics_hourly', 'hour');
	await sum('resource_metrics_daily', 'day');
	for (let ago = RAW_DAYS; ago >= 0; ago -= 1) {
		const day = `(date_trunc('day', now(), 'UTC') - interval '${ago} days')`;
		await sql.query(`SELECT ensure_metric_partition((${day} AT TIME ZONE 'UTC')::date)`);
		await sql.query(
			`INSERT INTO resource_metrics (id, recorded_at, node_id, container_id, cpu_fraction, ram_mb, disk_gb, network_in_kb,
				network_out_kb, latency_ms, tenants)
			SELECT gen_random_uuid(), at, node_id, container_id, ${VALUES('at')}, 20 + n % 10, 750, 1500, 180, 1
			FROM generate_series(${day}, least(${day} + interval '1 day', now()) - interval '1 second', interval '5 minutes') at,
				subjects`
		);
	}
	for (const table of ['resource_metrics', 'resource_metrics_hourly', 'resource_metrics_daily'])
		await sql.query(`VACUUM ANALYZE ${table}`);
}
