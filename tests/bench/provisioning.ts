import { setTimeout as sleep } from 'node:timers/promises';
import { TASK_MS } from '../../src/sandbox/proxmox/durations.ts';
import { percentile } from './load.ts';
import { figure, heading } from './report.ts';
import { bareQuery, type World } from './world.ts';

/**
 * What the control plane itself needs for a set-up: the vendors answer at once, so that the whole time from the run's
 * first row to its success is ours (and the stand-ins' own computing, which shares the machine).
 */
export async function benchOverhead(world: World, count: number): Promise<void> {
	heading(`${count} set-ups at once, vendors that answer at once`);
	await makeRoom(world);
	const [alone = NaN] = (await setUp(world, 'alone', 1)).milliseconds;
	const { cpuMs } = await world.process();
	const { milliseconds, failed } = await setUp(world, 'many', count);
	const computed = (await world.process()).cpuMs - cpuMs;
	const reference = { what: 'one alone', value: alone };
	const query = await bareQuery(world.sql);
	figure({
		what: 'One set-up alone',
		value: alone,
		unit: 'ms',
		reference: { what: 'SELECT 1', value: query.p50 }
	});
	const p50 = percentile(milliseconds, 0.5);
	figure({ what: `Set-up, ${count} at once, p50`, value: p50, unit: 'ms', reference });
	const p95 = percentile(milliseconds, 0.95);
	figure({ what: `Set-up, ${count} at once, p95`, value: p95, unit: 'ms', aim: 1_500, reference });
	figure({
		what: 'Set-up, computing time of the application',
		value: computed / count,
		unit: 'ms'
	});
	figure({ what: `Set-ups that failed, of ${count}`, value: failed, unit: 'failed', aim: 0 });
}

/** How a queue for one template goes, against the time that its copies alone need one after the other. */
export async function benchQueue(world: World, count: number, speed: number): Promise<void> {
	heading(`${count} set-ups at once, vendors at ${speed} of their real time`);
	await makeRoom(world);
	const { milliseconds, failed, wholeMs } = await setUp(world, 'queue', count);
	figure({
		what: `${count} set-ups, all of them`,
		value: wholeMs / 1_000,
		unit: 's',
		reference: {
			what: 'their copies of the template, one at a time',
			value: (count * TASK_MS.cloneFull * speed) / 1_000
		}
	});
	const fastest = Math.min(...milliseconds);
	figure({ what: 'The first of them', value: fastest / 1_000, unit: 's' });
	figure({ what: `Set-ups that failed, of ${count}`, value: failed, unit: 'failed', aim: 0 });
}

/** Nodes that may promise far more than they have: capacity is another subject. */
async function makeRoom({ sql }: World): Promise<void> {
	await sql.query(
		`UPDATE proxmox_nodes SET cpu_overcommit = 50, ram_overcommit = 50, disk_overcommit = 50, max_containers = 1000`
	);
}

interface Outcome {
	/** Of each run that succeeded, from its first row to its success. */
	milliseconds: number[];
	failed: number;
	/** From the first row of all to the last success. */
	wholeMs: number;
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
		const { rows } = await world.sql.query<{ status: string; created: number; ended: number }>(
			`SELECT status, extract(epoch FROM created_at)::float8 * 1000 AS created,
				extract(epoch FROM finished_at)::float8 * 1000 AS ended
			FROM provisioning_jobs WHERE saga = 'tenants.create' AND subject_id = ANY($1::uuid[])`,
			[ids]
		);
		const done = rows.filter(({ status }) => status === 'succeeded');
		const over = rows.filter(({ status }) => ['failed', 'compensated'].includes(status));
		if (done.length + over.length === count || Date.now() > deadline) {
			const first = Math.min(...rows.map(({ created }) => created));
			return {
				milliseconds: done.map(({ created, ended }) => ended - created),
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
