import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { hammer } from './load.ts';
import { figure, heading } from './report.ts';
import { bareQuery, logIn, openPage, type World } from './world.ts';

const PER_NODE = 100;
const ROUNDS = 3;
/** Pages of the machines, with all of them there. */
const PAGES = {
	'Nodes, cards': '/admin/infrastructure',
	'Nodes, map': '/admin/infrastructure?view=map',
	Containers: '/admin/infrastructure?tab=containers',
	Deployments: '/admin/infrastructure?tab=deployments'
};

const measured = z.object({
	seconds: z.array(z.object({ health: z.number(), metrics: z.number() })),
	calls: z.array(z.number()),
	nodes: z.number(),
	stored: z.number()
});

/** Health and metrics of 50 nodes with 5,000 containers on one worker, then the pages that show them. */
export async function benchCluster(world: World, nodes: number): Promise<void> {
	const script = fileURLToPath(new URL('./cluster-round.ts', import.meta.url));
	// Not synchronously: what the product ends meanwhile of our connections has to be noticed.
	const { stdout } = await promisify(execFile)(
		process.execPath,
		[script, String(nodes), String(PER_NODE), String(ROUNDS)],
		{ env: world.env, maxBuffer: 2 ** 26 }
	);
	const found = measured.parse(JSON.parse(stdout.trim().split('\n').at(-1)!));
	heading(
		`Cluster: ${nodes} nodes, ${nodes * PER_NODE} containers, the sandbox in the same process`
	);
	const most = (values: number[]) => Math.max(...values);
	figure({
		what: 'Health of all nodes, the slowest round',
		value: most(found.seconds.map(({ health }) => health)),
		unit: 's'
	});
	figure({
		what: 'Metrics of all containers, the slowest round',
		value: most(found.seconds.map(({ metrics }) => metrics)),
		unit: 's'
	});
	figure({
		what: 'Both, the slowest round',
		value: most(found.seconds.map(({ health, metrics }) => health + metrics)),
		unit: 's',
		aim: 20
	});
	figure({
		what: 'Calls per node and round, on average',
		value: found.calls.reduce((sum, count) => sum + count, 0) / found.calls.length / nodes,
		unit: 'calls',
		aim: 2
	});
	await pages(world);
}

async function pages(world: World): Promise<void> {
	const cookie = await logIn(world.demo.app, world.demo.staff, 'admin');
	const bare = await bareQuery(world.sql);
	for (const [name, path] of Object.entries(PAGES)) {
		const look = () => openPage(`${world.demo.app}${path}`, cookie);
		for (let n = 0; n < 10; n += 1) await look();
		const times = await hammer(look, { concurrency: 1, count: 200, seconds: 30 });
		figure({
			what: `${name}, p99`,
			value: times.p99,
			unit: 'ms',
			aim: 100,
			reference: { what: 'SELECT 1, p95', value: bare.p95 }
		});
	}
}
