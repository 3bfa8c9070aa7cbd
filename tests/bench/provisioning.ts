import { setTimeout as sleep } from 'node:timers/promises';
import { TASK_MS } from '../../src/sandbox/proxmox/durations.ts';
import { percentile } from './load.ts';
import { figure, heading } from './report.ts';
import { bareQuery, type World } from './world.ts';

/**
 * What the control plane adds to what the vendors take: a set-up's time without that of the stand-ins' own work for it and
 * without the wait for the template while others copy it, of which there can be one copy at a time.
 * @param speed of the vendors, as a part of their real time
 */
export async function benchOverhead(world: World, count: number, speed: number): Promise<void> {
	heading(`${count} set-ups at once, vendors at ${speed} of their real time`);
	await makeRoom(world);
	const before = await simulatedMs(world);
	const [alone] = (await setUp(world, 'alone', 1)).runs;
	const vendorMs = (await simulatedMs(world)) - before;
	const { cpuMs } = await world.process();
	const { runs, failed } = await setUp(world, 'many', count);
	const computed = (await world.process()).cpuMs - cpuMs;
	if (!alone) throw new Error('the one alone failed');

	figure({ what: 'One set-up alone, of which the vendors take', value: vendorMs, unit: 'ms' });
	const own = { what: 'one alone', value: alone.ms - vendorMs };
	const query = await bareQuery(world.sql);
	figure({
		what: 'Overhead of one alone',
		value: own.value,
		unit: 'ms',
		reference: { what: 'SELECT 1', value: query.p50 }
	});
	const overheads = runs.map(({ ms, untilCopy }) => ms - vendorMs - (untilCopy - alone.untilCopy));
	for (const part of [0.5, 0.95])
		figure({
			what: `Overhead, ${count} at once, p${part * 100}`,
			value: percentile(overheads, part),
			unit: 'ms',
			...(part === 0.95 && { aim: 1_500 }),
			reference: own
		});
	figure({ what: 'Computing time of the application', value: computed / count, unit: 'ms' });
	figure({ what: `Set-ups that failed, of ${count}`, value: failed, unit: 'failed', aim: 0 });
}

/** The same with vendors that answer at once: a machine that is busy with nothing but set-ups. */
export async function benchRush(world: World, count: number): Promise<void> {
	heading(`${count} set-ups at once, vendors that answer at once`);
	await makeRoom(world);
	const [alone] = (await setUp(world, 'single', 1)).runs;
	const { runs, failed } = await setUp(world, 'rush', count);
	const times = runs.map(({ ms }) => ms);
	const reference = { what: 'one alone', value: alone?.ms ?? NaN };
	for (const part of [0.5, 0.95])
		figure({
			what: `Set-up in the rush, p${part * 100}`,
			value: percentile(times, part),
			unit: 'ms',
			reference
		});
	figure({ what: `Set-ups that failed, of ${count}`, value: failed, unit: 'failed', aim: 0 });
}

/** How a queue for one template goes, against the time that its copies alone need one after the other. */
export async function benchQueue(world: World, count: number, speed: number): Promise<void> {
	heading(`${count} set-ups at once, vendors at ${speed} of their real time`);
	await makeRoom(world);
	const { runs, failed, wholeMs } = await setUp(world, 'queue', count);
	figure({
		what: `${count} set-ups, all of them`,
		value: wholeMs / 1_000,
		unit: 's',
		reference: {
			what: 'their copies of the template, one at a time',
			value: (count * TASK_MS.cloneFull * speed) / 1_000
		}
	});
	const fastest = Math.min(...runs.map(({ ms }) => ms));
	figure({ what: 'The first of them', value: fastest / 1_000, unit: 's' });
	figure({ what: `Set-ups that failed, of ${count}`, value: failed, unit: 'failed', aim: 0 });
}

/** What a container that was made ahead saves: one set-up after the other, without and with one. */
export async function benchWarm(world: World, count: number, speed: number): Promise<void> {
	heading(`${count} set-ups one by one, vendors at ${speed} of their real time`);
	await makeRoom(world);
	const cold = await oneByOne(world, 'cold', count);
	const pools = await firstPools(world);
	await call(world, pools, { plan: 'pro', target: 2 });
	const warm = await oneByOne(world, 'warm', count, () => isReady(world, pools));
	await call(world, pools, { plan: 'pro', target: 0 });
	for (const part of [0.5, 0.95])
		figure({
			what: `Set-up with a container made ahead, p${part * 100}`,
			value: percentile(warm, part),
			unit: 'ms',
			reference: { what: 'the same without', value: percentile(cold, part) }
		});
}

/** @returns the time of each that succeeded */
async function oneByOne(
	world: World,
	mark: string,
	count: number,
	before: () => Promise<void> = async () => {}
): Promise<number[]> {
	const times: number[] = [];
	for (let i = 0; i < count; i++) {
		await before();
		times.push(...(await setUp(world, `${mark}-${i}`, 1)).runs.map(({ ms }) => ms));
	}
	return times;
}

/** The pools of some node. */
async function firstPools(world: World): Promise<string> {
	const nodes = (await call(world, '/api/nodes')) as { id: string }[];
	return `/api/nodes/${nodes[0]!.id}/pools`;
}

async function isReady(world: World, pools: string): Promise<void> {
	for (let looks = 0; looks < 600; looks++) {
		const rows = (await call(world, pools)) as { plan: string; ready: number }[];
		if (rows.some(({ plan, ready }) => plan === 'pro' && ready > 0)) return;
		await sleep(200);
	}
	throw new Error('nothing is made ahead');
}

/** @param body to be put; without one it is asked for */
async function call({ demo }: World, path: string, body?: object): Promise<unknown> {
	const answer = await fetch(`${demo.app}${path}`, {
		method: body ? 'PUT' : 'GET',
		headers: {
			'content-type': 'application/json',
			authorization: `Bearer ${demo.api_token}`
		},
		...(body && { body: JSON.stringify(body) })
	});
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
	return (JSON.parse(text) as { data: unknown }).data;
}

/** Nodes that may promise far more than they have: capacity is another subject. */
async function makeRoom({ sql }: World): Promise<void> {
	await sql.query(
		`UPDATE proxmox_nodes SET cpu_overcommit = 50, ram_overcommit = 50, disk_overcommit = 50, max_containers = 1000`
	);
}

interface Run {
	/** From its first row to its success. */
	ms: number;
	/** From the beginning of its container to its copy of the template, the wait for others' copies included. */
	untilCopy: number;
}

interface Outcome {
	/** Of each run that succeeded. */
	runs: Run[];
	failed: number;
	/** From the first row of all to the last success. */
	wholeMs: number;
}

/** What the stand-ins spent on changes, tasks and commands since they were started. */
async function simulatedMs({ demo }: World): Promise<number> {
	const answer = await fetch(`${demo.sandbox}/__sandbox/calls?match=^$`);
	const { simulated_ms } = (await answer.json()) as { simulated_ms: Record<string, number> };
	return Object.values(simulated_ms).reduce((sum, ms) => sum + ms, 0);
}

/** Orders `count` dedicated instances at once and waits for the end of all of them. */
async function setUp(world: World, mark: string, count: number): Promise<Outcome> {
	await settled(world);
	const ids: string[] = [];
	let next = 0;
	// As many as one process has connections to the database: how orders queue for those is not the subject.
	const buyer = async () => {
		while (next < count) ids.push(await order(world, `${mark}-${next++}`));
	};
	await Promise.all(Array.from({ length: 10 }, buyer));
	const deadline = Date.now() + 60_000 + count * 5_000;
	for (;;) {
		const { rows } = await world.sql.query<{
			status: string;
			created: number;
			ended: number;
			untilCopy: number;
		}>(
			`SELECT job.status, extract(epoch FROM job.created_at)::float8 * 1000 AS created,
				extract(epoch FROM job.finished_at)::float8 * 1000 AS ended,
				extract(epoch FROM (
					SELECT min(call.started_at) FROM vendor_calls call
					WHERE call.job_id = job.id AND call.operation = 'lxc.clone'
				) - step.started_at)::float8 * 1000 AS "untilCopy"
			FROM provisioning_jobs job
			JOIN provisioning_steps step ON step.job_id = job.id AND step.name = 'container'
			WHERE job.saga = 'tenants.create' AND job.subject_id = ANY($1::uuid[])`,
			[ids]
		);
		const done = rows.filter(({ status }) => status === 'succeeded');
		const over = rows.filter(({ status }) => ['failed', 'compensated'].includes(status));
		if (done.length + over.length === count || Date.now() > deadline) {
			const first = Math.min(...rows.map(({ created }) => created));
			return {
				runs: done.map(({ created, ended, untilCopy }) => ({ ms: ended - created, untilCopy })),
				failed: count - done.length,
				wholeMs: Math.max(...done.map(({ ended }) => ended)) - first
			};
		}
		await sleep(250);
	}
}

/** Waits for what was begun before: the demo's own instance. */
async function settled({ sql }: World): Promise<void> {
	for (let looks = 0; looks < 300; looks++) {
		const { rows } = await sql.query(
			`SELECT 1 FROM provisioning_jobs WHERE status IN ('queued', 'running') LIMIT 1`
		);
		if (rows.length === 0) return;
		await sleep(200);
	}
}

/** @returns the tenant's id */
async function order({ demo }: World, name: string): Promise<string> {
	const answer = await fetch(`${demo.app}/api/tenants`, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			authorization: `Bearer ${demo.api_token}`
		},
		body: JSON.stringify({
			company_name: `Bench ${name}`,
			email: `bench-${name}@example.com`,
			subdomain: `bench-${name}`,
			plan: 'pro',
			billing: 'invoice'
		})
	});
	const text = await answer.text();
	if (answer.status !== 202) throw new Error(`${name}: ${answer.status} ${text}`);
	return (JSON.parse(text) as { data: { id: string } }).data.id;
}
