import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { orderedRefund } from '../../../tests/factories/billing.ts';
import { listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import { stripe as connect } from '#lib/integrations/stripe/stripe.server.ts';
import { tuning } from '#lib/settings/clients.server.ts';
import { giveBack } from './giveBack.server.ts';
import './jobs.server.ts';
import { runRefundOrder } from './refundChain.server.ts';
import { isSignupRefunded } from './refunds.server.ts';
import { cancelAtStripe } from './subscriptions.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
// Long enough for an answer that a busy machine gives late.
tuning.stripeTimeoutMs = 1_000;
tuning.stripeReadRetries = 0;

const account = stripe.server.account;
const ordered = () => orderedRefund(stripe);
const refundsOf = (stripeCustomerId: string) =>
	account.all('refunds').filter(({ customer }) => customer === stripeCustomerId);

const FAULTS = [
	['500 before', { kind: 'status', status: 500, when: 'before' }],
	['500 after', { kind: 'status', status: 500, when: 'after' }],
	['reset before', { kind: 'reset', when: 'before', times: 2 }],
	['reset after', { kind: 'reset', when: 'after', times: 2 }],
	['timeout before', { kind: 'timeout', when: 'before' }],
	['timeout after', { kind: 'timeout', when: 'after' }],
	['nonsense after', { kind: 'malformed', when: 'after' }]
] as const;

it.each(FAULTS)(
	'resumes at each call without a second refund: %s',
	{ timeout: 120_000 },
	async (_, fault) => {
		stripe.kernel.faults.clear();
		const clean = await ordered();
		stripe.forget();
		await runRefundOrder(clean.orderId);
		const calls = stripe.calls();
		expect(calls.length).toBeGreaterThan(8);
		for (const [index, line] of calls.entries()) {
			// A read that fails is the same however it fails.
			if (line.startsWith('GET') && fault !== FAULTS[0][1]) continue;
			const { paid, orderId, signup } = await ordered();
			stripe.fault({ match: '/v1/', skip: index, ...fault });
			await expect(runRefundOrder(orderId), `${index}: ${line}`).rejects.toThrow();
			await runRefundOrder(orderId);
			stripe.kernel.faults.clear();
			expect(refundsOf(paid.stripeCustomerId), line).toMatchObject([
				{ amount: 4_900, status: 'succeeded' }
			]);
			expect(account.find('subscriptions', paid.stripeSubscriptionId)?.status).toBe('canceled');
			expect(await isSignupRefunded(db, signup.id), line).toBe(true);
			expect(await db.alert.count({ where: { subjectId: orderId, closedAt: null } })).toBe(0);
		}
	}
);

it('asks under another key when Stripe repeats a stored failure', async () => {
	const { paid, orderId, signup } = await ordered();
	await cancelAtStripe(paid.stripeSubscriptionId, 'tests');
	const keys: string[] = [];
	// Stripe keeps errors under their key for a day; the stand-in does not, so a proxy answers as it would.
	const proxy = createServer((request, response) => {
		const key = String(request.headers['idempotency-key'] ?? '');
		if (request.method === 'POST') keys.push(key);
		if (key === `refund:${signup.id}`) {
			response.writeHead(500, { 'idempotent-replayed': 'true' });
			response.end('{"error":{"type":"api_error","message":"an error of then"}}');
			return;
		}
		const { method, headers } = request;
		const onward = forward(`${stripe.server.url}${request.url}`, { method, headers }, (answer) => {
			response.writeHead(answer.statusCode ?? 502, answer.headers);
			answer.pipe(response);
		});
		request.pipe(onward);
	});
	await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
	const { port } = proxy.address() as AddressInfo;
	const client = connect(
		{ secretKey: stripe.server.key, baseUrl: `http://127.0.0.1:${port}` },
		unrecorded
	);
	const row = await db.refundOrder.findUniqueOrThrow({ where: { id: orderId } });
	const order = { ...row, stripeSubscriptionId: paid.stripeSubscriptionId };
	const [invoice] = await client.invoices.ofSubscription(paid.stripeSubscriptionId);
	expect(await giveBack(client, order, invoice!)).toBe('succeeded');
	proxy.closeAllConnections();
	proxy.close();
	expect(keys).toEqual([`refund:${signup.id}`, `refund:${signup.id}:2`]);
	expect(refundsOf(paid.stripeCustomerId)).toMatchObject([{ amount: 4_900 }]);
});
