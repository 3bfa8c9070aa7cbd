import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { figure, heading } from './report.ts';
import { activeInstance, bareQuery, type World } from './world.ts';

const turned = z.object({ listedMs: z.number(), turns: z.number() });
const made = z.array(z.object({ id: z.string(), hostname: z.string(), expires_on: z.string() }));
/** What is asked of the daily look, and how many calls Cloudflare lets all of us make in an hour. */
const DOMAINS = 10_000;
const CALLS_AN_HOUR = 12 * 1_200;

/** How long the daily look at all domains takes on one worker, and how many of Cloudflare's calls it spends. */
export async function benchDomains(world: World, count: number): Promise<void> {
	heading(`Domains: the daily look at ${count}`);
	await seed(world, count);
	const calls = () =>
		number(world, `SELECT coalesce(sum(calls), 0) AS n FROM provider_uses WHERE lane = 'sync'`);
	const before = await calls();
	const begun = performance.now();
	const script = fileURLToPath(new URL('./domain-turns.ts', import.meta.url));
	const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
		env: world.env,
		encoding: 'utf8'
	});
	if (status !== 0) throw new Error(`the turns were not given:\n${stderr}`);
	const { listedMs, turns } = turned.parse(JSON.parse(stdout.trim().split('\n').at(-1)!));
	const { cpuMs } = await world.process();
	const left = () =>
		number(
			world,
			`SELECT count(*) AS n FROM custom_domains WHERE external_domain LIKE '%.bench-domain.com'
				AND checked_at < '2026-01-02'`
		);
	while ((await left()) > 0) await sleep(200);
	const seconds = (performance.now() - begun) / 1_000;
	const computing = ((await world.process()).cpuMs - cpuMs) / count;
	const broken = await number(
		world,
		`SELECT count(*) AS n FROM custom_domains WHERE external_domain LIKE '%.bench-domain.com'
			AND (verification_status <> 'active' OR misses > 0)`
	);
	const query = await bareQuery(world.sql);
	const scale = DOMAINS / count;
	figure({ what: 'Turns given', value: turns, unit: 'domains' });
	figure({ what: 'Domains found broken that work', value: broken, unit: 'domains', aim: 0 });
	figure({ what: 'List of all custom hostnames', value: listedMs, unit: 'ms' });
	figure({
		what: 'One domain, computing time',
		value: computing,
		unit: 'ms',
		reference: { what: 'SELECT 1, p95', value: query.p95 }
	});
	figure({ what: '10,000 domains looked at', value: (seconds * scale) / 60, unit: 'min', aim: 60 });
	figure({
		what: '10,000 domains, share of an hour of calls',
		value: (((await calls()) - before) * scale * 100) / CALLS_AN_HOUR,
		unit: '%',
		aim: 5
	});
}

async function number({ sql }: World, query: string): Promise<number> {
	const { rows } = await sql.query<{ n: string }>(query);
	return Number(rows[0]?.n);
}

/** Domains of the demo's instance that have worked for long, at the registrar, at Cloudflare and in our rows. */
async function seed(world: World, count: number): Promise<void> {
	const { demo, sql } = world;
	const names = Array.from({ length: count }, (_, n) => `d${n}.bench-domain.com`);
	const post = async (path: string, body: object): Promise<unknown> => {
		const answer = await fetch(`${demo.sandbox}/__sandbox${path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body)
		});
		if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
		return answer.json();
	};
	await activeInstance(sql);
	const { rows } = await sql.query<{ name: string; target: string }>(
		'SELECT name, target FROM base_domains WHERE is_default'
	);
	const { name: zone, target } = rows[0]!;
	for (let at = 0; at < count; at += 20) {
		await Promise.all(
			names.slice(at, at + 20).flatMap((name) => [
				post('/dns/records', { type: 'CNAME', name, content: target }),
				post('/dns/records', {
					type: 'TXT',
					name: `_erp-verify.${name}`,
					content: 'erp-verify=bench'
				})
			])
		);
	}
	const hostnames = made.parse(await post('/cloudflare/hostnames', { zone, hostnames: names }));
	await sql.query(
		`INSERT INTO custom_domains (id, customer_id, tenant_deployment_id, external_domain, driver, verification_status,
			verification_name, verification_token, verified_at, routed_at, ssl_status, cloudflare_configured_at,
			cloudflare_hostname_id, hostname_status, hostname_ssl_status, hostname_armed_at, published, published_version,
			activated_at, checked_at, next_check_at, certificate_expires_at, updated_at)
		SELECT gen_random_uuid(), tenant.customer_id, tenant.id, one.hostname, 'custom_hostname', 'active',
			'_erp-verify.' || one.hostname, 'erp-verify=bench', now(), now(), 'active', now(), one.id, 'active', 'active',
			'2026-01-01', true, 0, '2026-01-01', '2026-01-01', now() + interval '1 day', one.expires_on, now()
		FROM jsonb_to_recordset($1::jsonb) AS one(id text, hostname text, expires_on timestamptz),
			(SELECT id, customer_id FROM tenant_deployments WHERE status = 'active' ORDER BY created_at LIMIT 1) tenant`,
		[JSON.stringify(hostnames)]
	);
	// The rules of so many hosts, written by whoever looks at the tunnel next.
	await sql.query('UPDATE tunnels SET wanted_version = wanted_version + 1');
	await waitForRules(sql, count);
}

/** Until the tunnel holds the rules: before that no domain answers. */
async function waitForRules(sql: World['sql'], count: number): Promise<void> {
	for (let looks = 0; looks < 180; looks += 1) {
		const { rows } = await sql.query<{ behind: string }>(
			'SELECT count(*) AS behind FROM tunnels WHERE applied_version < wanted_version'
		);
		if (Number(rows[0]?.behind) === 0) return;
		await sleep(1_000);
	}
	throw new Error(`the rules of ${count} hosts were not written`);
}
