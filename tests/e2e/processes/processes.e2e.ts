import { expect, test } from '@playwright/test';
import pg from 'pg';
import { WebSocket } from 'ws';
import { type Fleet, listenAt, type Member, runsOf, startFleet } from './fleet.ts';

test.describe.configure({ mode: 'serial', timeout: 180_000 });

const TENANTS = 6;
const names = Array.from({ length: TENANTS }, (_, n) => `flota-${n}`);
let fleet: Fleet;
let sql: pg.Client;

test.beforeAll(async () => {
	test.skip(test.info().project.use.isMobile === true, 'no page is looked at: one width is enough');
	test.setTimeout(180_000);
	fleet = await startFleet();
	sql = new pg.Client({ connectionString: fleet.stack.databaseUrl });
	await sql.connect();
});
test.afterAll(async () => {
	test.setTimeout(60_000);
	await sql?.end();
	await fleet?.stop();
});

/** @returns the tenant's id */
async function order(web: Member, name: string, plan: string): Promise<string> {
	const answer = await fetch(`${web.url}/api/tenants`, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			authorization: `Bearer ${fleet.stack.demo.api_token}`
		},
		body: JSON.stringify({
			company_name: `Flota ${name}`,
			email: `${name}@example.com`,
			subdomain: name,
			plan,
			billing: 'invoice'
		})
	});
	const text = await answer.text();
	expect(answer.status, text).toBe(202);
	return (JSON.parse(text) as { data: { id: string } }).data.id;
}

async function session(web: Member): Promise<string> {
	const answer = await fetch(`${web.url}/api/auth/login`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ ...fleet.stack.demo.staff, role: 'admin' })
	});
	expect(answer.status).toBe(200);
	return answer.headers
		.getSetCookie()
		.map((cookie) => cookie.split(';')[0])
		.join('; ');
}

test('two web processes and two workers set up each tenant once, and tell every browser', async () => {
	const { webs, stack } = fleet;
	// Who logs in at one process is known at the other.
	const cookie = await session(webs[0]);
	const pages = await Promise.all(webs.map((web) => listenAt(web, stack.demo.app, cookie)));
	for (const page of pages) {
		page.subscribe('admin.tenants');
		await expect.poll(() => page.subscribed('admin.tenants')).toBe(true);
	}

	const ids = await Promise.all(
		names.map((name, n) => order(webs[n % 2]!, name, n < TENANTS / 2 ? 'pro' : 'basic'))
	);
	// Each listens at the process that did not take the order.
	for (const [n, id] of ids.entries()) pages[(n + 1) % 2]!.subscribe(`admin.tenant:${id}`);

	const states = async () => {
		const { rows } = await sql.query<{ status: string }>(
			'SELECT status FROM tenant_deployments WHERE id = ANY($1::uuid[])',
			[ids]
		);
		return rows.map(({ status }) => status);
	};
	await expect
		.poll(states, { timeout: 120_000 })
		.toEqual(Array.from({ length: TENANTS }, () => 'active'));

	for (const [n, id] of ids.entries()) {
		const page = pages[(n + 1) % 2]!;
		await expect.poll(() => page.notices(`admin.tenant:${id}`)).toBeGreaterThan(0);
		await expect.poll(() => page.notices('admin.tenants')).toBeGreaterThan(0);
	}
	for (const page of pages) page.close();

	const { rows: runs } = await sql.query(
		`SELECT count(*)::int AS runs, bool_and(status = 'succeeded') AS succeeded FROM provisioning_jobs
		WHERE saga = 'tenants.create' AND subject_id = ANY($1::uuid[]) GROUP BY subject_id`,
		[ids]
	);
	expect(runs).toEqual(Array.from({ length: TENANTS }, () => ({ runs: 1, succeeded: true })));
	const { rows: mails } = await sql.query(
		`SELECT count(*)::int AS count FROM email_messages WHERE template = 'welcome' AND to_address LIKE 'flota-%'`
	);
	expect(mails).toEqual([{ count: TENANTS }]);
});

test('nothing was made twice at the vendors', async () => {
	const { demo } = fleet.stack;
	const calls = async (vendor: string, match: string): Promise<unknown[]> => {
		const query = new URLSearchParams({ vendor, match });
		const answer = await fetch(`${demo.sandbox}/__sandbox/calls?${query}`);
		return ((await answer.json()) as { calls: unknown[] }).calls;
	};
	const { rows: containers } = await sql.query(
		`SELECT DISTINCT container.id FROM lxc_containers container
		JOIN tenant_deployments tenant ON tenant.container_id = container.id WHERE container.status = 'running'`
	);
	// Three of their own, one shared, and the demo's own customer.
	expect(containers).toHaveLength(TENANTS / 2 + 2);
	expect(await calls('proxmox', '^POST .*/clone$')).toHaveLength(containers.length);
	for (const name of names) {
		const { rows } = await sql.query(
			`SELECT count(*)::int AS count FROM dns_records WHERE name LIKE $1 AND deleted_at IS NULL`,
			[`${name}.%`]
		);
		expect(rows).toEqual([{ count: 1 }]);
	}
	expect(await calls('cloudflare', '^POST .*/dns_records$')).toHaveLength(TENANTS + 1);
});

test('jobs run in workers alone, and only web processes take live connections', async () => {
	const { webs, workers, stack } = fleet;
	const [web, work] = await Promise.all(
		[webs, workers].map(async (members) =>
			(await Promise.all(members.map((member) => runsOf(member, 'sagas.run')))).reduce(
				(a, b) => a + b
			)
		)
	);
	expect(web).toBe(0);
	expect(work).toBeGreaterThanOrEqual(TENANTS);
	// A worker answers its balancer's question, and nobody else's connection.
	expect((await fetch(`${workers[0].url}/health/ready`)).status).toBe(200);
	const refused = await new Promise<boolean>((done) => {
		const socket = new WebSocket(`${workers[0].url.replace('http', 'ws')}/live`, {
			headers: { origin: stack.demo.app }
		});
		socket.once('open', () => done(false));
		socket.once('error', () => done(true));
	});
	expect(refused).toBe(true);
});

test('what is written at one web process is in the figures of the other, which they keep in Redis together', async () => {
	const { webs, redis } = fleet;
	test.skip(!redis, 'this machine has no Redis, and none could be installed');
	const totalAt = async (web: Member): Promise<number> => {
		const answer = await fetch(`${web.url}/api/dashboard/metrics`, {
			headers: { authorization: `Bearer ${fleet.stack.demo.api_token}` }
		});
		expect(answer.status).toBe(200);
		return ((await answer.json()) as { data: { tenants: { total: number } } }).data.tenants.total;
	};
	const kept = async (): Promise<number | null> => {
		const text = await redis!.client.get('cache:analytics.overview-2');
		if (!text) return null;
		return (JSON.parse(text) as { metrics: { tenants: { total: number } } }).metrics.tenants.total;
	};
	const before = await totalAt(webs[1]);
	expect(await totalAt(webs[0])).toBe(before);
	await order(webs[0], 'flota-redis', 'basic');
	// Long before what is kept would be too old by itself.
	for (const web of [webs[1], webs[0]]) await expect.poll(() => totalAt(web)).toBe(before + 1);
	// Somebody has to ask: what was kept may have been thrown away once more since.
	await expect
		.poll(async () => {
			await totalAt(webs[1]);
			return kept();
		})
		.toBe(before + 1);
	// Without Redis each goes on by itself.
	await redis!.stop();
	await order(webs[1], 'flota-solo', 'basic');
	for (const web of webs) await expect.poll(() => totalAt(web)).toBe(before + 2);
});
