import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { seedScale } from '../../src/cli/seed-scale.ts';
import { hammer, type Times, timesOf } from './load.ts';
import { figure, heading, notMeasured } from './report.ts';
import { agent, logIn, openPage, type World } from './world.ts';

interface List {
	name: string;
	path: string;
	/** What it asks the database for, bare. */
	sql: string;
}

const STAFF = 20;
const THINK_MS = 1_000;
const FEW = 1_000;
const BARE = { concurrency: 1, count: 40, seconds: 4 };

const page = (table: string, where = 'true', sort = 'created_at') =>
	`SELECT * FROM ${table} WHERE ${where} ORDER BY ${sort} DESC, id DESC LIMIT 26`;
const WORD = `lower(company_name || ' ' || full_name || ' ' || email) LIKE '%persona77@%'`;

const LISTS: List[] = [
	{
		name: 'Dashboard',
		path: '/admin',
		sql: `SELECT sum(mrr) FROM subscriptions WHERE currency = 'usd' AND mrr > 0`
	},
	{
		name: 'Figures',
		path: '/admin/billing',
		sql: `SELECT month, sum(new + expansion + contraction + churn + reactivation) FROM mrr_months WHERE currency = 'usd' AND cohort = '' GROUP BY month`
	},
	{ name: 'Customers', path: '/admin/customers', sql: page('customers') },
	{
		name: 'Customers, a word',
		path: '/admin/customers?q=persona77%40',
		sql: page('customers', WORD)
	},
	{
		name: 'Customers, a plan and state',
		path: '/admin/customers?plan=pro&status=active',
		sql: page('customers', `plan_key = 'pro' AND status = 'active'`)
	},
	{ name: 'Tenants', path: '/admin/tenants', sql: page('tenant_deployments') },
	{
		name: 'Tenants, a state',
		path: '/admin/tenants?status=suspended',
		sql: page('tenant_deployments', `status = 'suspended'`)
	},
	{
		name: 'Subscriptions',
		path: '/admin/billing/subscriptions',
		sql: page('subscriptions', 'true', 'mrr')
	},
	{
		name: 'Subscriptions, late',
		path: '/admin/billing/subscriptions?status=past_due',
		sql: page('subscriptions', `status = 'past_due'`, 'mrr')
	},
	{
		name: 'Movements',
		path: '/admin/billing/movements',
		sql: page('mrr_movements', 'true', 'at')
	},
	{
		name: 'Movements, churn',
		path: '/admin/billing/movements?kind=churn&currency=usd',
		sql: page('mrr_movements', `kind = 'churn' AND currency = 'usd'`, 'at')
	},
	{
		name: 'Movements, a word',
		path: '/admin/billing/movements?q=persona77%40',
		sql: page('mrr_movements', `customer_id IN (SELECT id FROM customers WHERE ${WORD})`, 'at')
	},
	{ name: 'Invoices', path: '/admin/billing/invoices', sql: page('invoices') },
	{
		name: 'Invoices, paid in a month',
		path: '/admin/billing/invoices?paid=2026-03',
		sql: page(
			'invoices',
			`paid_at >= '2026-03-01' AND paid_at < '2026-04-01' AND created_at < '2026-04-01'`
		)
	},
	{
		name: 'Invoices, open',
		path: '/admin/billing/invoices?status=open',
		sql: page('invoices', `status = 'open'`)
	},
	{
		name: 'Invoices, a word',
		path: '/admin/billing/invoices?q=persona77%40',
		sql: page('invoices', `customer_id IN (SELECT id FROM customers WHERE ${WORD})`)
	},
	{
		name: 'Customers, a country, by company',
		path: '/admin/customers?country=EC&sort=company_name',
		sql: `SELECT * FROM customers WHERE country = 'EC' ORDER BY company_name, id LIMIT 26`
	},
	{
		name: 'Subscriptions, a plan, newest first',
		path: '/admin/billing/subscriptions?plan=pro&sort=-created_at',
		sql: page('subscriptions', `plan_id IN (SELECT id FROM plans WHERE key = 'pro')`)
	},
	{
		name: 'Movements, customers lost of a plan',
		path: '/admin/billing/movements?heads=lost&plan=pro',
		sql: page('mrr_movements', `customers = -1 AND plan_key = 'pro'`, 'at')
	},
	{
		name: 'Invoices, a plan and country',
		path: '/admin/billing/invoices?plan=pro&country=EC',
		sql: page('invoices', `plan_key = 'pro' AND country = 'EC'`)
	},
	{
		name: 'Invoices, the largest first',
		path: '/admin/billing/invoices?sort=-total',
		sql: page('invoices', 'true', 'total')
	},
	{
		name: 'Late payments',
		path: '/admin/billing/dunning',
		sql: page('dunning_cases', 'closed_at IS NULL', 'started_at')
	},
	{
		name: 'Events',
		path: '/admin/billing/events',
		sql: page('stripe_events', 'true', 'received_at')
	},
	{
		name: 'Events, a type',
		path: '/admin/billing/events?type=invoice.paid',
		sql: page('stripe_events', `event_type = 'invoice.paid'`, 'received_at')
	},
	{
		name: 'Domains',
		path: '/admin/domains',
		sql: page('custom_domains', `verification_status <> 'removed'`)
	},
	{
		name: 'Domains, a state',
		path: '/admin/domains?status=error',
		sql: page('custom_domains', `verification_status = 'error'`)
	},
	{
		name: 'Domains, certificates that end soon',
		path: '/admin/domains?certificate=expiring&sort=certificate',
		sql: page('custom_domains', `verification_status <> 'removed'`, 'certificate_expires_at')
	},
	{
		name: 'Domains, by name',
		path: '/admin/domains?sort=domain',
		sql: page('custom_domains', `verification_status <> 'removed'`, 'external_domain')
	},
	{
		name: 'Domains, a word',
		path: '/admin/domains?q=persona77%40',
		sql: page('custom_domains', `customer_id IN (SELECT id FROM customers WHERE ${WORD})`)
	}
];

/** Every list of the admin with few and with many customers, asked by staff who think between two looks. */
export async function benchLists(world: World, many: number, seconds: number): Promise<void> {
	const cookie = await logIn(world.demo.app, world.demo.staff, 'admin');
	const seed = async (customers: number) => {
		heading(`Lists with ${customers.toLocaleString('en')} customers`);
		console.log('  writing rows …');
		await seedScale(world.databaseUrl, customers);
		closeMonths(world);
	};
	await seed(FEW);
	const lists = await existing(world, cookie);
	const few = await crowd(world, cookie, lists, seconds);
	await seed(many);
	const full = await existing(world, cookie);
	// What grows must not be the page: where few customers did not fill it, it is looked at with as few rows, too.
	const shown = new Map(lists.map(({ name, rows }) => [name, rows]));
	const alike = full
		.filter(({ name, rows }) => rows > (shown.get(name) ?? rows))
		.map((list) => withRows(list, Math.max(1, shown.get(list.name)!)));
	const lots = await crowd(world, cookie, [...full, ...alike], seconds);
	for (const { name, sql } of LISTS) {
		const [small, large] = [few.get(name), lots.get(name)];
		if (!small || !large) continue;
		const bare = await hammer(() => world.sql.query(sql), BARE);
		const what = `${name}, with ${many.toLocaleString('en')} customers`;
		const like = alike.find((list) => list.of === name);
		figure({
			what: like ? `${what}, pages of ${like.rows}, p50` : `${what}, p50`,
			value: like ? lots.get(like.name)!.p50 : large.p50,
			unit: 'ms',
			reference: { what: `with ${FEW}`, value: small.p50 }
		});
		figure({
			what: `${what}, p95`,
			value: large.p95,
			unit: 'ms',
			reference: { what: 'its SQL alone', value: bare.p95 }
		});
		figure({ what: `${what}, p99`, value: large.p99, unit: 'ms', aim: 100 });
	}
	await benchCsv(world, cookie);
}

/** Sums the months that are over, as a worker does twice an hour. */
function closeMonths(world: World): void {
	const script = fileURLToPath(new URL('./close-months.ts', import.meta.url));
	const { status } = spawnSync(process.execPath, [script], { env: world.env, stdio: 'inherit' });
	if (status !== 0) throw new Error('the months were not closed');
}

interface Shown extends List {
	/** In its table. */
	rows: number;
	/** The list that this one shows with fewer rows. */
	of?: string;
}

/** Those that this product has. */
async function existing(world: World, cookie: string): Promise<Shown[]> {
	const found: Shown[] = [];
	for (const list of LISTS) {
		try {
			let html = '';
			// Compiled, and its caches filled.
			for (let n = 0; n < 5; n++) html = await openPage(`${world.demo.app}${list.path}`, cookie);
			found.push({ ...list, rows: html.split('<tr role="row" class="data-row').length - 1 });
		} catch (error) {
			notMeasured(list.name, error instanceof Error ? error.message : String(error));
		}
	}
	return found;
}

function withRows(list: Shown, rows: number): Shown {
	const path = `${list.path}${list.path.includes('?') ? '&' : '?'}page_size=${rows}`;
	return { ...list, name: `${list.name}, pages of ${rows}`, path, rows, of: list.name };
}

async function crowd(
	world: World,
	cookie: string,
	lists: List[],
	seconds: number
): Promise<Map<string, Times>> {
	const values = new Map(lists.map(({ name }) => [name, { times: [] as number[], failed: 0 }]));
	const until = performance.now() + seconds * 1_000;
	const somebody = async (first: number) => {
		// Not all in the same moment.
		await sleep((first * THINK_MS) / STAFF);
		for (let n = first; performance.now() < until; n++) {
			const list = lists[n % lists.length]!;
			const kept = values.get(list.name)!;
			const begun = performance.now();
			try {
				await openPage(`${world.demo.app}${list.path}`, cookie);
				kept.times.push(performance.now() - begun);
			} catch {
				kept.failed += 1;
			}
			await sleep(THINK_MS);
		}
	};
	await Promise.all(Array.from({ length: STAFF }, (_, index) => somebody(index)));
	const all = [...values.values()].flatMap(({ times }) => times);
	const together = timesOf(all);
	console.log(
		`  ${all.length} looks: p50 ${together.p50.toFixed(1)} ms, p95 ${together.p95.toFixed(1)} ms, p99 ${together.p99.toFixed(1)} ms`
	);
	return new Map(
		[...values].map(([name, { times, failed }]) => [name, timesOf(times, failed, seconds)])
	);
}

/** A file of every subscription: how long it takes, and what it costs in memory meanwhile. */
async function benchCsv(world: World, cookie: string): Promise<void> {
	const before = await world.process();
	let most = before.rssMb;
	let lines = 0;
	const begun = performance.now();
	const answer = await request(`${world.demo.app}/admin/billing/subscriptions/export.csv`, {
		...{ dispatcher: agent, headers: { cookie, 'accept-language': 'es' }, bodyTimeout: 0 }
	});
	let looked = 0;
	for await (const chunk of answer.body) {
		lines += String(chunk).split('\n').length - 1;
		if (performance.now() - looked < 500) continue;
		looked = performance.now();
		most = Math.max(most, (await world.process()).rssMb);
	}
	figure({
		what: `CSV of ${(lines - 1).toLocaleString('en')} subscriptions`,
		value: (performance.now() - begun) / 1_000,
		unit: 's'
	});
	figure({
		what: 'Memory of the web process meanwhile (RSS)',
		value: most,
		unit: 'MB',
		reference: { what: 'before', value: before.rssMb }
	});
}
