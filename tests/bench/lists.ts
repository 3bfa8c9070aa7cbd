import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { seedScale } from '../../src/cli/seed-scale.ts';
import { type List, LISTS } from './list-pages.ts';
import { hammer, type Times, timesOf } from './load.ts';
import { figure, heading, notMeasured } from './report.ts';
import { agent, logIn, openPage, type World } from './world.ts';

const STAFF = 20;
const THINK_MS = 1_000;
const FEW = 1_000;
const BARE = { concurrency: 1, count: 40, seconds: 4 };

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
