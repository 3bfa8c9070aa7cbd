import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { hammer } from './load.ts';
import { figure, heading } from './report.ts';
import { bareQuery, logIn, openPage, type World } from './world.ts';

const PER_NODE = 100;
const ROUNDS = 3;
const AREA = '/admin/infrastructure';

/** Pages of the machines, with all of them there. */
async function pagesOf(sql: World['sql']): Promise<Record<string, string>> {
	const { rows } = await sql.query<{ node: string; container: string }>(
		`SELECT node_id AS node, id AS container FROM lxc_containers WHERE status = 'running' ORDER BY vmid DESC LIMIT 1`
	);
	const { node, container } = rows[0]!;
	return {
		'Nodes, cards': AREA,
		'Nodes, map': `${AREA}?view=map`,
		Containers: `${AREA}?tab=containers`,
		'Containers, searched': `${AREA}?tab=containers&q=erp-50`,
		'Containers, of a node': `${AREA}?tab=containers&node=pve7&sort=-hostname`,
		Deployments: `${AREA}?tab=deployments`,
		'A node': `${AREA}/nodes/${node}`,
		'A container': `${AREA}/containers/${container}`,
		'Room to sell': '/admin/provision',
		Moves: `${AREA}/moves`,
		Drifts: `${AREA}/drifts`,
		Alerts: '/admin/alerts'
	};
}

const measured = z.object({
	/** Of each round; the first of them knows nothing yet. */
	seconds: z.array(z.number()),
	calls: z.array(z.number()),
	nodes: z.number(),
	stored: z.number()
});

/**
 * Health and metrics of 50 nodes with 5,000 containers on one worker: as one cluster, with the pages that show them, and as
 * fifty hosts that stand alone.
 */
export async function benchCluster(world: World, nodes: number): Promise<void> {
	await rounds(world, nodes, 'one');
	await pages(world);
	await rounds(world, nodes, 'many');
}

async function rounds(world: World, nodes: number, shape: 'one' | 'many'): Promise<void> {
	const script = fileURLToPath(new URL('./cluster-round.ts', import.meta.url));
	// Not synchronously: what the product ends meanwhile of our connections has to be noticed.
	const { stdout } = await promisify(execFile)(
		process.execPath,
		[script, shape, String(nodes), String(PER_NODE), String(ROUNDS)],
		{ env: world.env, maxBuffer: 2 ** 26 }
	);
	const found = measured.parse(JSON.parse(stdout.trim().split('\n').at(-1)!));
	heading(
		`${shape === 'one' ? 'Cluster' : 'Hosts that stand alone'}: ${nodes} nodes, ${nodes * PER_NODE} containers, the sandbox in the same process`
	);
	const [firstCalls = 0, ...calls] = found.calls;
	figure({
		what: 'Health and metrics of all, the slowest round',
		value: Math.max(...found.seconds),
		unit: 's',
		aim: 20
	});
	figure({
		what: 'Calls per node, the first round, which asks everything',
		value: firstCalls / nodes,
		unit: 'calls'
	});
	figure({
		what: 'Calls per node and round, on average',
		value: calls.reduce((sum, count) => sum + count, 0) / calls.length / nodes,
		unit: 'calls',
		aim: 2
	});
}

async function pages(world: World): Promise<void> {
	const cookie = await logIn(world.demo.app, world.demo.staff, 'admin');
	const bare = await bareQuery(world.sql);
	for (const [name, path] of Object.entries(await pagesOf(world.sql))) {
		const look = () => openPage(`${world.demo.app}${path}`, cookie);
		for (let n = 0; n < 10; n += 1) await look();
		const times = await hammer(look, { concurrency: 1, count: 200, seconds: 30 });
		if (times.failed > 0) figure({ what: `${name}, failed`, value: times.failed, unit: 'failed' });
		figure({ what: `${name}, p50`, value: times.p50, unit: 'ms' });
		figure({
			what: `${name}, p99`,
			value: times.p99,
			unit: 'ms',
			aim: 100,
			reference: { what: 'SELECT 1, p95', value: bare.p95 }
		});
	}
}
