import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import { describe, expect, it, vi } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { retrySaga } from '#lib/core/saga.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import { buy, giveAway } from '../../../tests/setup/buyers.ts';
import { signedBody } from '../../../tests/setup/billing.ts';
import { signupIs, tenantIs } from '../../../tests/setup/money.ts';
import { expectNoOrphans, expectNothingLost } from '../../../tests/setup/orphans.ts';
import { outside } from '../../../tests/setup/outside.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { catchUp } from '../billing/catchUp.server.ts';
import { receiveStripeEvent } from '../billing/events.server.ts';
import { checkNodes } from '../infrastructure/nodes/nodes.server.ts';
import { patience } from './publishStep.server.ts';

vi.setConfig({ testTimeout: 180_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);

const WINDOW = { key: 'provisioning.retry_window_minutes' };
let made = 0;
const name = () => `outage-${++made}`;

async function expectReady(slug: string, signupId?: string): Promise<void> {
	const tenant = await eventually(async () => {
		const one = await db.tenant.findFirst({ where: { slug } });
		return one?.status === 'active' && one;
	}, 120);
	await eventually(
		() => db.provisioningJob.findFirst({ where: { subjectId: tenant.id, status: 'succeeded' } }),
		30
	);
	if (signupId) await signupIs(signupId, 'completed');
	await expectNoOrphans(platform, slug);
}

describe('a node that is down', () => {
	it('when the place is taken: the container is made on another one', async () => {
		const slug = name();
		const { name: node } = world.cluster.state.nodes[2]!;
		// pve1 has the template, and pve2 would be taken as well as pve3.
		world.cluster.setOnline('pve2', false);
		await giveAway('pro', slug);
		await expectReady(slug);
		const row = await db.container.findFirstOrThrow({
			where: { hostname: `${slug}.sajet.us` },
			include: { node: true }
		});
		expect(['pve1', node]).toContain(row.node.name);
		world.cluster.setOnline('pve2', true);
		await checkNodes();
	});

	it('in the middle of the copy: it is made anew when the node is back, and once', async () => {
		const slug = name();
		platform.fault({
			...{ target: 'proxmox', match: '^TASK vzclone', kind: 'delay', ms: 60_000 },
			onTaken: () => {
				setTimeout(() => world.cluster.setOnline('pve1', false), 200);
				setTimeout(() => world.cluster.setOnline('pve1', true), 3_000);
			}
		});
		await giveAway('pro', slug);
		await expectReady(slug);
		await checkNodes();
		await expectNothingLost(platform);
	});
});

describe('Cloudflare', () => {
	it('that takes no document for long keeps no worker from others, and is waited for', async () => {
		const usual = { ...patience };
		Object.assign(patience, { usualMs: 200, calmSeconds: 11 });
		platform.fault({
			...{ target: 'cloudflare', match: '^PUT .*/configurations', kind: 'status', status: 500 },
			times: 10_000
		});
		const slug = name();
		await giveAway('basic', slug);
		const parked = await eventually(
			() =>
				db.provisioningJob.findFirst({
					where: { status: 'waiting', reason: 'rule_pending' },
					include: { steps: { where: { name: 'ingress' } } }
				}),
			60
		);
		expect(parked.wakeAt!.getTime()).toBeGreaterThan(Date.now());
		expect(parked.steps[0]).toMatchObject({ attempts: 0 });
		platform.sandbox.kernel.faults.clear();
		await expectReady(slug);
		Object.assign(patience, usual);
	});

	it('that takes none until the step has failed is waited for as long again when staff try again', async () => {
		const usual = { ...patience };
		Object.assign(patience, { ingressMs: 2_000, usualMs: 200, calmSeconds: 11 });
		await db.setting.update({ where: WINDOW, data: { value: 120 } });
		forgetSettings();
		platform.fault({
			...{ target: 'cloudflare', match: '^PUT .*/configurations', kind: 'status', status: 500 },
			times: 10_000
		});
		const slug = name();
		await giveAway('basic', slug);
		const tenant = await db.tenant.findFirstOrThrow({ where: { slug } });
		const run = (status: 'failed' | 'waiting') =>
			eventually(
				() => db.provisioningJob.findFirst({ where: { subjectId: tenant.id, status } }),
				60
			);
		const { id } = await run('failed');
		await transaction((tx) => retrySaga(tx, id));
		expect((await run('waiting')).reason).toBe('rule_pending');
		platform.sandbox.kernel.faults.clear();
		patience.ingressMs = usual.ingressMs;
		await expectReady(slug);
		Object.assign(patience, usual);
		await db.setting.update({ where: WINDOW, data: { value: 0 } });
		forgetSettings();
	});
});

describe('PostgreSQL', () => {
	it('that ends every connection in the middle leaves each set-up whole', async () => {
		const slugs = Array.from({ length: 6 }, (_, index) => ({
			slug: name(),
			plan: index % 2 ? ('basic' as const) : ('pro' as const)
		}));
		for (const { slug, plan } of slugs) await giveAway(plan, slug);
		for (let times = 0; times < 3; times++) {
			await sleep(900);
			// Ours among them: what this one query answers does not matter.
			await db.$executeRaw`
				SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND usename = current_user`.catch(() => null);
		}
		// An ended connection leaves the pool when it is noticed, which may be when it is used.
		await eventually(async () => {
			const queries = Array.from({ length: 20 }, () => db.$queryRaw`SELECT 1`);
			return (await Promise.allSettled(queries)).every(({ status }) => status === 'fulfilled');
		});
		for (const { slug } of slugs) await expectReady(slug);
		await expectNothingLost(platform);
	});
});

describe('webhooks', () => {
	const sdk = new Stripe('sk_test_unused');
	const secret = platform.sandbox.vendors.stripe.webhook_secret;
	const mine = (slug: string) => (_type: string, object: string) => object.includes(slug);

	it.each([
		['duplicated', { kind: 'duplicate' as const }],
		['out of order', { kind: 'reorder' as const }],
		['late', { kind: 'delay' as const, ms: 1_500 }],
		['taken, but whose answer was lost', { kind: 'reset' as const, when: 'after' as const }]
	])('that come %s lead to one instance and one payment', async (_what, fault) => {
		const slug = name();
		platform.fault({ target: 'webhook', times: 3, ...fault });
		const { signupId } = await buy(platform, 'basic', slug);
		await expectReady(slug, signupId);
		expect(await db.tenant.count({ where: { slug } })).toBe(1);
		expect(world.paid(String(world.subscriptions(signupId)[0]!.customer))).toBe(2900);
	});

	it('that never come are found by looking', async () => {
		const slug = name();
		platform.sandbox.kernel.faults.clear();
		platform.fault({ target: 'webhook', kind: 'drop', times: 1000, only: mine(slug) });
		const { signupId } = await buy(platform, 'basic', slug);
		await sleep(500);
		expect(await db.tenant.count({ where: { slug } })).toBe(0);
		await catchUp();
		await expectReady(slug, signupId);
		platform.sandbox.kernel.faults.clear();
	});

	it('that are forged, old or about nothing change nothing', async () => {
		const slug = name();
		const { signupId } = await buy(platform, 'basic', slug);
		await expectReady(slug, signupId);
		const before = await db.provisioningJob.count();
		const kept = await db.stripeEvent.findFirstOrThrow({
			where: { eventType: 'checkout.session.completed' },
			orderBy: { receivedAt: 'desc' }
		});
		const forged = signedBody(
			{ ...(kept.payload as object), id: 'evt_forged' },
			sdk,
			'whsec_wrong'
		);
		await expect(receiveStripeEvent(forged.body, forged.signature)).rejects.toMatchObject({
			name: 'BadSignature'
		});
		const hourAgo = Math.floor(Date.now() / 1000) - 3600;
		const old = signedBody(kept.payload as object, sdk, secret, hourAgo);
		await expect(receiveStripeEvent(old.body, old.signature)).rejects.toMatchObject({
			name: 'BadSignature'
		});
		const again = signedBody(kept.payload as object, sdk, secret);
		expect(await receiveStripeEvent(again.body, again.signature)).toBe('duplicate');
		const replayed = signedBody({ ...(kept.payload as object), id: 'evt_replayed' }, sdk, secret);
		expect(await receiveStripeEvent(replayed.body, replayed.signature)).toBe('accepted');
		const unknown = signedBody(
			{
				...{ id: 'evt_unknown', object: 'event', type: 'checkout.session.completed' },
				...{ created: hourAgo, data: { object: { object: 'checkout.session', id: 'cs_nobody' } } }
			},
			sdk,
			secret
		);
		expect(await receiveStripeEvent(unknown.body, unknown.signature)).toBe('accepted');
		const outcome = async (eventId: string) =>
			(await db.stripeEvent.findUniqueOrThrow({ where: { eventId } })).outcome;
		await eventually(async () => (await outcome('evt_unknown')) === 'unknown_object', 30);
		await eventually(async () => (await outcome('evt_replayed')) === 'applied', 30);
		await tenantIs(slug, 'active');
		expect(await db.provisioningJob.count()).toBe(before);
		await expectNoOrphans(platform, slug);
	});
});
