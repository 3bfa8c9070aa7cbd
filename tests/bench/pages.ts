import { hammer, type Times } from './load.ts';
import { figure, heading } from './report.ts';
import { generateTenants } from './rows.ts';
import { bareServer, logIn, openPage, type World } from './world.ts';

interface Page {
	name: string;
	path: string;
	cookie?: string;
	/** Milliseconds at p95, where one is aimed at. */
	aim?: number;
}

const ONE_BY_ONE = { concurrency: 1, count: 150, seconds: 15 };
const CROWD = { concurrency: 20, count: 2_000, seconds: 15 };

/** What the server needs for pages, with few and with many tenants, and the memory that a crowd costs it. */
export async function benchPages(world: World, many: number): Promise<void> {
	const { demo } = world;
	const staff = await logIn(demo.app, demo.staff, 'admin');
	const customer = await logIn(demo.app, demo.customer, 'tenant');
	const pages: Page[] = [
		{ name: 'Landing', path: '/', aim: 30 },
		{ name: 'Portal', path: '/tenant/portal', cookie: customer, aim: 30 },
		{ name: 'Admin dashboard', path: '/admin', cookie: staff },
		{ name: 'Admin tenants', path: '/admin/tenants', cookie: staff },
		{ name: 'Admin tenants, a rare word', path: '/admin/tenants?q=empresa-77', cookie: staff },
		{ name: 'Admin tenants, a state', path: '/admin/tenants?status=failed', cookie: staff }
	];

	heading('Pages with 1,000 tenants');
	await generateTenants(world.databaseUrl, 1_000);
	const few = await measure(world, pages);

	heading(`Pages with ${many.toLocaleString('en')} tenants`);
	console.log('  writing rows …');
	await generateTenants(world.databaseUrl, many);
	const lots = await measure(world, pages, few);
	for (const { name } of pages) {
		figure({
			what: `${name}, p50 with ${many.toLocaleString('en')} tenants`,
			value: lots.get(name)!.p50,
			unit: 'ms',
			reference: { what: 'with 1,000', value: few.get(name)!.p50 }
		});
	}

	heading(`A crowd of ${CROWD.concurrency}`);
	const before = await world.process();
	for (const page of pages.slice(0, 3)) {
		const { cpuMs } = await world.process();
		const times = await hammer(() => open(world, page), CROWD);
		figure({
			what: `${page.name} in a crowd, pages lost`,
			value: times.failed,
			unit: 'failed',
			aim: 0
		});
		figure({
			what: `${page.name} in a crowd, computing time of a page`,
			value: ((await world.process()).cpuMs - cpuMs) / times.count,
			unit: 'ms'
		});
		console.log(`  ${page.name}: ${times.perSecond.toFixed(0)} pages a second`);
	}
	figure({
		what: 'Memory of the web process under load (RSS)',
		value: (await world.process()).rssMb,
		unit: 'MB',
		aim: 300,
		reference: { what: 'before', value: before.rssMb }
	});
}

const open = ({ demo }: World, { path, cookie }: Page) => openPage(`${demo.app}${path}`, cookie);

async function measure(
	world: World,
	pages: Page[],
	few?: Map<string, Times>
): Promise<Map<string, Times>> {
	const results = new Map<string, Times>();
	for (const page of pages) {
		const { length } = Buffer.from(await open(world, page));
		// Compiled by now, and its caches are filled.
		await hammer(() => open(world, page), { ...ONE_BY_ONE, count: 60 });
		const times = await hammer(() => open(world, page), ONE_BY_ONE);
		const bare = await bareServer(length, ONE_BY_ONE);
		results.set(page.name, times);
		figure({
			what: `${page.name}, p95${few ? ' with many tenants' : ' with 1,000 tenants'}`,
			value: times.p95,
			unit: 'ms',
			...(page.aim && { aim: page.aim }),
			reference: { what: `bare server, ${(length / 1024).toFixed(0)} kB`, value: bare.p95 }
		});
	}
	return results;
}
