import { beforeEach, describe, expect, it, vi } from 'vitest';
import { after, HOUR, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { retrySaga } from '#lib/core/saga.server.ts';
import { buy, signUp, someVisitor, typed } from '../../../tests/setup/buyers.ts';
import { moneyOf, signupIs, standInTheWay, tenantIs } from '../../../tests/setup/money.ts';
import { expectNoOrphans } from '../../../tests/setup/orphans.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { openSignup } from './signups.server.ts';
import { forgetSettings } from '../settings/settings.server.ts';

// Nothing here takes longer than seconds, but on a machine that does much else at the same time.
vi.setConfig({ testTimeout: 120_000 });
const platform = await testPlatform();

let made = 0;
let slug = '';
beforeEach(() => {
	slug = `back-${++made}`;
});

const pay = (session: string, card = '4242424242424242') =>
	platform.stripe(`/checkout/${session}/pay`, { card });

describe('the refund of a set-up that failed', () => {
	it('is shown as under way while the bank has it, and as done when it says so', async () => {
		const giveWay = await standInTheWay(platform, slug);
		await platform.stripe('/refunds/next', { status: 'pending' });
		const { signupId } = await buy(platform, 'basic', slug);
		await eventually(
			async () => (await db.refund.count({ where: { signupId, status: 'pending' } })) === 1,
			40
		);
		await tenantIs(slug, 'failed');
		expect((await signupIs(signupId, 'refunding')).status).toBe('refunding');
		const refund = await db.refund.findFirstOrThrow({ where: { signupId } });
		await platform.stripe(`/refunds/${refund.stripeRefundId}/outcome`, { status: 'succeeded' });
		await signupIs(signupId, 'refunded');
		await tenantIs(slug, 'refunded');
		await giveWay();
		await expectNoOrphans(platform, slug);
	});

	it('opens an alert when it fails, and is never shown as done', async () => {
		await standInTheWay(platform, slug);
		await platform.stripe('/refunds/next', { status: 'pending' });
		const { signupId } = await buy(platform, 'basic', slug);
		await eventually(
			async () => (await db.refund.count({ where: { signupId, status: 'pending' } })) === 1,
			40
		);
		const refund = await db.refund.findFirstOrThrow({ where: { signupId } });
		await platform.stripe(`/refunds/${refund.stripeRefundId}/outcome`, { status: 'failed' });
		const order = await db.refundOrder.findFirstOrThrow({ where: { signupId } });
		await eventually(
			async () =>
				db.alert.findFirst({
					where: { rule: 'billing.refund-failed', subjectId: order.id, closedAt: null }
				}),
			40
		);
		expect((await db.signup.findUniqueOrThrow({ where: { id: signupId } })).status).toBe(
			'refunding'
		);
		expect((await tenantIs(slug, 'failed')).slug).toBe(slug);
		expect(await db.emailMessage.count({ where: { dedupeKey: `refunded:${signupId}` } })).toBe(0);
	});

	it('keeps the name for a day, for the same email alone', async () => {
		const giveWay = await standInTheWay(platform, slug);
		const { signupId } = await buy(platform, 'basic', slug);
		await signupIs(signupId, 'refunded');
		await giveWay();
		await tenantIs(slug, 'refunded');
		const held = await db.nameReservation.findUniqueOrThrow({ where: { slug } });
		const left = held.expiresAt!.getTime() - now().getTime();
		expect(Math.round(left / HOUR)).toBe(24);
		await expect(
			openSignup(typed('basic', slug, 'otra@example.com'), someVisitor)
		).rejects.toMatchObject({ code: 'NAME_TAKEN' });
		const again = await signUp('basic', slug);
		expect(again.signupId).not.toBe(signupId);
		await pay(again.stripeSessionId);
		await signupIs(again.signupId, 'completed');
		expect(await tenantIs(slug, 'active')).toMatchObject({ slug });
	});

	it('is free for anybody when that day is over', async () => {
		const giveWay = await standInTheWay(platform, slug);
		const { signupId } = await buy(platform, 'basic', slug);
		await signupIs(signupId, 'refunded');
		await giveWay();
		await tenantIs(slug, 'refunded');
		await db.nameReservation.update({
			where: { slug },
			data: { expiresAt: after(now(), -MINUTE) }
		});
		const other = await openSignup(typed('basic', slug, 'otra@example.com'), someVisitor);
		expect(other.url).toContain('/c/pay/');
	});
});

describe('staff', () => {
	it('have a failed set-up tried again within its window, with no second payment', async () => {
		await db.setting.update({
			where: { key: 'provisioning.retry_window_minutes' },
			data: { value: 120 }
		});
		// Written past the settings, which would serve the old value for some seconds.
		forgetSettings();
		const giveWay = await standInTheWay(platform, slug);
		const { signupId } = await buy(platform, 'pro', slug);
		const tenant = await eventually(async () => {
			const one = await db.tenant.findFirst({ where: { slug } });
			return one?.status === 'failed' && one;
		}, 40);
		const run = await db.provisioningJob.findFirstOrThrow({ where: { subjectId: tenant.id } });
		expect(run.status).toBe('failed');
		expect(moneyOf(platform, signupId).refunds).toEqual([]);
		await giveWay();
		await transaction((tx) => retrySaga(tx, run.id));
		await signupIs(signupId, 'completed');
		await expectNoOrphans(platform, slug);
	});
});
