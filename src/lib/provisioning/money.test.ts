import { beforeEach, describe, expect, it, vi } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import {
	buy,
	openSessionOf,
	signUp,
	someVisitor,
	typed,
	type PlanKey
} from '../../../tests/setup/buyers.ts';
import { moneyOf, signupIs, tenantIs } from '../../../tests/setup/money.ts';
import { expectNoOrphans } from '../../../tests/setup/orphans.ts';
import { outside } from '../../../tests/setup/outside.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { isOwed } from '../billing/subscriptions.server.ts';
import { openSignup } from './signups.server.ts';

// Nothing here takes longer than seconds, but on a machine that does much else at the same time.
vi.setConfig({ testTimeout: 120_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);

let made = 0;
let slug = '';
beforeEach(() => {
	slug = `money-${++made}`;
});

const pay = (session: string, card = '4242424242424242') =>
	platform.stripe(`/checkout/${session}/pay`, { card });

describe('paid after the reservation ended', () => {
	const late = async (plan: PlanKey) => {
		const opened = await signUp(plan, slug);
		// Our rows say that it ended; at Stripe the buyer was just in time.
		await db.signup.update({ where: { id: opened.signupId }, data: { status: 'expired' } });
		await db.nameReservation.delete({ where: { slug } });
		return opened;
	};

	it('with the name still free: goes on', async () => {
		const { signupId, stripeSessionId } = await late('basic');
		await pay(stripeSessionId);
		await signupIs(signupId, 'completed');
		await expectNoOrphans(platform, slug);
	});

	it('with the name taken by then: gives everything back, and the other keeps the name', async () => {
		const { signupId, stripeSessionId } = await late('basic');
		const other = await openSignup(typed('basic', slug, `otro@${slug}.example`), someVisitor);
		await pay(stripeSessionId);
		await signupIs(signupId, 'refunded');
		expect(moneyOf(platform, signupId)).toEqual({
			...{ paid: 2900, back: 2900, refunds: ['succeeded'], subscriptions: ['canceled'] }
		});
		const held = await db.nameReservation.findUniqueOrThrow({ where: { slug } });
		expect(held.signupId).toBe(other.signupId);
		expect(await db.tenant.count({ where: { slug } })).toBe(0);
		const mails = await db.emailMessage.findMany({ where: { dedupeKey: `refunded:${signupId}` } });
		expect(mails).toHaveLength(1);
	});
});

describe('paid twice', () => {
	it('the second payment of a signup is cancelled and given back, the first stands', async () => {
		const { signupId, stripeSessionId } = await signUp('basic', slug);
		// The visitor has an old page open, whose session our row has forgotten.
		const first = await db.checkoutSession.findFirstOrThrow({ where: { signupId } });
		await db.checkoutSession.update({ where: { id: first.id }, data: { status: 'expired' } });
		await openSignup(typed('basic', slug), { ...someVisitor, signupId });
		const again = await openSessionOf(signupId);
		expect(again).not.toBe(stripeSessionId);
		await pay(again);
		await signupIs(signupId, 'completed');
		await pay(stripeSessionId);
		await eventually(async () => moneyOf(platform, signupId).back > 0, 40);
		const { subscriptions, ...rest } = moneyOf(platform, signupId);
		expect(rest).toEqual({ paid: 5800, back: 2900, refunds: ['succeeded'] });
		expect(subscriptions.sort()).toEqual(['active', 'canceled']);
		expect(await tenantIs(slug, 'active')).toMatchObject({ slug });
		expect(await db.tenant.count({ where: { slug } })).toBe(1);
	});
});

describe('an asynchronous payment', () => {
	it('holds the name until the bank has decided, and goes on when it says yes', async () => {
		const { signupId, stripeSessionId } = await buy(platform, 'basic', slug, 'bank');
		await signupIs(signupId, 'processing');
		await expect(
			openSignup(typed('basic', slug, 'otra@example.com'), someVisitor)
		).rejects.toMatchObject({ code: 'NAME_TAKEN' });
		expect(await db.tenant.count({ where: { slug } })).toBe(0);
		await platform.stripe(`/checkout/${stripeSessionId}/async`, { outcome: 'succeeded' });
		await signupIs(signupId, 'completed');
		await expectNoOrphans(platform, slug);
	});

	it('lets go of the name when it says no', async () => {
		const { signupId, stripeSessionId } = await buy(platform, 'basic', slug, 'bank');
		await signupIs(signupId, 'processing');
		await platform.stripe(`/checkout/${stripeSessionId}/async`, { outcome: 'failed' });
		await signupIs(signupId, 'expired');
		await expectNoOrphans(platform, slug);
		const other = await openSignup(typed('basic', slug, 'otra@example.com'), someVisitor);
		expect(other.signupId).not.toBe(signupId);
	});
});

const subscriptionOf = (signupId: string) =>
	db.subscription.findUniqueOrThrow({
		where: { stripeSubscriptionId: world.subscriptions(signupId)[0]!.id }
	});

/** What staff are called for because of a signup. */
async function alertsOf(signupId: string) {
	const orders = await db.refundOrder.findMany({ where: { signupId }, select: { id: true } });
	const { tenantId } = await db.signup.findUniqueOrThrow({ where: { id: signupId } });
	const subjectId = { in: [...orders.map(({ id }) => id), tenantId ?? signupId] };
	return db.alert.findMany({ where: { subjectId, closedAt: null } });
}

/** The buyer's bank takes the money back for now, and we know of it. @returns the id of the dispute */
async function openDispute(signupId: string): Promise<string> {
	const charge = world.charges(signupId)[0]!;
	await platform.stripe('/disputes', { charge: charge.id });
	await eventually(async () => (await subscriptionOf(signupId)).disputedAt, 40);
	return world.disputes(charge.id)[0]!.id;
}

/** Holds the set-up at its first command in the container until something else has happened. */
function holdDatabase(): () => void {
	let release = false;
	platform.fault({
		...{ target: 'ssh', kind: 'status', status: 1, times: 1_000_000, match: 'psql' },
		only: () => !release
	});
	return () => (release = true);
}

describe('in the middle of the set-up', () => {
	it('a subscription that is cancelled stops it: everything is undone and the money given back', async () => {
		const release = holdDatabase();
		const { signupId } = await buy(platform, 'pro', slug);
		await tenantIs(slug, 'provisioning');
		await eventually(async () => world.subscriptions(signupId).length === 1);
		const id = world.subscriptions(signupId)[0]!.id;
		const response = await fetch(`${platform.sandbox.vendors.stripe.url}/v1/subscriptions/${id}`, {
			method: 'DELETE',
			headers: { authorization: `Bearer ${platform.sandbox.vendors.stripe.key}` }
		});
		expect(response.status).toBe(200);
		await eventually(async () => {
			const row = await db.subscription.findFirst({ where: { stripeSubscriptionId: id } });
			return row?.status === 'cancelled';
		}, 40);
		release();
		await signupIs(signupId, 'refunded');
		await tenantIs(slug, 'refunded');
		await expectNoOrphans(platform, slug);
	});

	/** The buyer's bank takes the money back while the database is made; everything is undone. */
	async function disputed(): Promise<{ signupId: string; dispute: string }> {
		const release = holdDatabase();
		const { signupId } = await buy(platform, 'pro', slug);
		await tenantIs(slug, 'provisioning');
		const dispute = await openDispute(signupId);
		release();
		await eventually(async () => {
			const tenant = await db.tenant.findFirstOrThrow({ where: { slug } });
			const run = await db.provisioningJob.findFirstOrThrow({ where: { subjectId: tenant.id } });
			return run.status === 'compensated';
		}, 40);
		// The bank has taken the money: until it decides, we give nothing back.
		await eventually(
			async () =>
				(await db.refundOrder.findFirst({ where: { signupId } }))?.status === 'waiting_dispute',
			40
		);
		expect(moneyOf(platform, signupId).refunds).toEqual([]);
		expect((await db.signup.findUniqueOrThrow({ where: { id: signupId } })).status).toBe(
			'refunding'
		);
		expect(world.databases(slug)).toEqual([]);
		return { signupId, dispute };
	}

	it('a payment that is disputed stops it, and nothing is paid back twice', async () => {
		const { signupId, dispute } = await disputed();
		await platform.stripe(`/disputes/${dispute}/close`, { status: 'lost' });
		await signupIs(signupId, 'refunded');
		expect(moneyOf(platform, signupId).refunds).toEqual([]);
		const mail = await db.emailMessage.findFirstOrThrow({
			where: { dedupeKey: `refunded:${signupId}` }
		});
		expect(mail.data).toMatchObject({ amount: expect.stringContaining('49') });
		expect(await alertsOf(signupId)).toEqual([]);
	});

	it('a payment that was disputed is given back when we win: there is nothing ready to keep it for', async () => {
		const { signupId, dispute } = await disputed();
		await platform.stripe(`/disputes/${dispute}/close`, { status: 'won' });
		await signupIs(signupId, 'refunded');
		await tenantIs(slug, 'refunded');
		expect(moneyOf(platform, signupId)).toEqual({
			...{ paid: 4900, back: 4900, refunds: ['succeeded'], subscriptions: ['canceled'] }
		});
		expect(await alertsOf(signupId)).toEqual([]);
		await expectNoOrphans(platform, slug);
	});
});

it('an instance whose payment is disputed is kept when we win, and so is the money', async () => {
	const { signupId } = await buy(platform, 'basic', slug);
	await signupIs(signupId, 'completed');
	const dispute = await openDispute(signupId);
	await platform.stripe(`/disputes/${dispute}/close`, { status: 'won' });
	await eventually(async () => (await subscriptionOf(signupId)).disputedAt === null, 40);
	expect(isOwed(await subscriptionOf(signupId))).toBe(true);
	await tenantIs(slug, 'active');
	expect(moneyOf(platform, signupId)).toEqual({
		...{ paid: 2900, back: 0, refunds: [], subscriptions: ['active'] }
	});
	expect(await alertsOf(signupId)).toEqual([]);
});

describe('a visitor who comes back', () => {
	it('goes on with the same session', async () => {
		const first = await openSignup(typed('basic', slug), someVisitor);
		const again = await openSignup(typed('basic', slug), {
			...someVisitor,
			signupId: first.signupId
		});
		expect(again).toEqual(first);
		expect(world.sessions(first.signupId)).toHaveLength(1);
	});

	it.each<[string, { plan?: 'pro'; subdomain?: string }]>([
		['another plan', { plan: 'pro' }],
		['another name', { subdomain: 'otro-nombre' }]
	])('with %s has the old session ended before a new one is opened', async (_what, change) => {
		const first = await openSignup(typed('basic', slug), someVisitor);
		const again = await openSignup(
			{ ...typed('basic', slug), ...change },
			{ ...someVisitor, signupId: first.signupId }
		);
		expect(again.signupId).toBe(first.signupId);
		expect(again.url).not.toBe(first.url);
		const sessions = world.sessions(first.signupId).map(({ status }) => status);
		expect(sessions.sort()).toEqual(['expired', 'open']);
		const names = await db.nameReservation.findMany({ where: { signupId: first.signupId } });
		expect(names.map((row) => row.slug)).toEqual([change.subdomain ?? slug]);
	});

	it('who paid in that very moment is not asked to pay again', async () => {
		const { signupId, stripeSessionId } = await signUp('basic', slug);
		await pay(stripeSessionId);
		const again = await openSignup(
			{ ...typed('basic', slug), plan: 'pro' },
			{ ...someVisitor, signupId }
		);
		const left = await db.signup.findUniqueOrThrow({ where: { id: again.signupId } });
		expect(again.signupId).toBe(signupId);
		expect(again.url).toContain('/success');
		expect(left.slug).toBe(slug);
		expect(world.sessions(signupId)).toHaveLength(1);
		await signupIs(signupId, 'completed');
	});
});
