import Stripe from 'stripe';
import { request } from 'undici';
import { percentile, steadily } from './load.ts';
import { figure, heading } from './report.ts';
import { agent, bareQuery, bareServer, type World } from './world.ts';

const PER_SECOND = 50;

/** How fast Stripe's webhooks are acknowledged, and how soon the job that each leads to begins. */
export async function benchWebhook(world: World, seconds: number): Promise<void> {
	heading(`Webhooks: ${PER_SECOND} a second for ${seconds} s`);
	const send = sender(world);
	for (let n = 0; n < 20; n++) await send(`warm${n}`);
	const { cpuMs } = await world.process();
	const times = await steadily((n) => send(String(n)), { perSecond: PER_SECOND, seconds });
	const bare = await bareServer(50, { concurrency: 1, count: 500, seconds: 5 });
	const nothing = { what: 'a bare server', value: bare.p99 };
	figure({ what: 'Webhook acknowledged, p50', value: times.p50, unit: 'ms' });
	figure({
		what: 'Webhook acknowledged, p99',
		value: times.p99,
		unit: 'ms',
		aim: 50,
		reference: nothing
	});
	figure({ what: 'Webhooks refused or lost', value: times.failed, unit: 'failed', aim: 0 });

	const waits = await startWaits(world, times.count);
	figure({
		what: 'Webhook and its job, computing time',
		value: ((await world.process()).cpuMs - cpuMs) / times.count,
		unit: 'ms'
	});
	const query = await bareQuery(world.sql);
	figure({
		what: 'Job begins after its commit, p95',
		value: percentile(waits, 0.95),
		unit: 'ms',
		aim: 100,
		reference: { what: 'SELECT 1, p95', value: query.p95 }
	});
}

/** Sends an event about a customer that nobody knows, signed as Stripe signs. */
function sender({ demo }: World): (mark: string) => Promise<void> {
	const { key, webhook_secret: secret } = demo.vendors.stripe;
	const stripe = new Stripe(key);
	return async (mark) => {
		const customer = { id: `cus_bench_${mark}`, object: 'customer', email: 'bench@example.com' };
		const payload = JSON.stringify({
			id: `evt_bench_${mark}_${Date.now()}`,
			object: 'event',
			type: 'customer.updated',
			created: Math.floor(Date.now() / 1_000),
			livemode: false,
			pending_webhooks: 1,
			request: null,
			data: { object: customer }
		});
		const answer = await request(`${demo.app}/webhooks/stripe`, {
			method: 'POST',
			dispatcher: agent,
			headers: {
				'content-type': 'application/json',
				'stripe-signature': stripe.webhooks.generateTestHeaderString({ payload, secret })
			},
			body: payload
		});
		const text = await answer.body.text();
		if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${text}`);
	};
}

/** Milliseconds between writing each event and the start of its job, by the database's clock. */
async function startWaits({ sql }: World, expected: number): Promise<number[]> {
	for (let looks = 0; ; looks++) {
		const { rows } = await sql.query<{ wait: number }>(
			`SELECT extract(epoch FROM started_on - created_on)::float8 * 1000 AS wait FROM pgboss.job
			WHERE name = 'billing.process-event' AND started_on IS NOT NULL AND data->>'eventId' LIKE 'evt_bench_%'
				AND data->>'eventId' NOT LIKE 'evt_bench_warm%'`
		);
		if (rows.length >= expected || looks === 60) return rows.map(({ wait }) => wait);
		await new Promise((resolve) => setTimeout(resolve, 1_000));
	}
}
