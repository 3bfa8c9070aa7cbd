import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { after, DAY, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Tenant } from '#prisma/generated/client.ts';
import { openSessionOf, someVisitor, typed } from '../../../tests/setup/buyers.ts';
import { moneyOf, signupIs, tenantIs } from '../../../tests/setup/money.ts';
import { outside } from '../../../tests/setup/outside.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { checkoutChanged } from './payments.server.ts';
import { closeRequest, deleteOrCancel, requestOf, sendPaymentLink } from './requests.server.ts';
import { nameState } from './reservations.server.ts';
import { continueSignup, openSignup } from './signups.server.ts';
import { createByStaff } from './staffTenants.server.ts';
import { sweepReservations } from './sweep.server.ts';
import { tenantAct } from './tenantActs.server.ts';

// Nothing here takes longer than seconds, but on a machine that does much else at the same time.
vi.setConfig({ testTimeout: 120_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);
const by = { kind: 'staff' as const, id: randomUUID(), label: 'olga@erp.example' };

let made = 0;
let slug = '';
beforeEach(() => {
	slug = `link-${++made}`;
	platform.sandbox.kernel.faults.clear();
});

/** What staff order, with a link for the customer. */
async function request(): Promise<{ tenant: Tenant; signupId: string }> {
	const input = {
		...{ plan: 'basic', subdomain: slug, email: `ana@${slug}.example` },
		...{ company_name: 'Cacao Real S.A.', billing: 'checkout_link' as const }
	};
	const tenant = await transaction((tx) => createByStaff(tx, input, { by, locale: 'es' }));
	const { id } = await db.signup.findFirstOrThrow({ where: { tenantId: tenant.id } });
	return { tenant, signupId: id };
}

/** The customer follows the link as far as Stripe's page. */
async function follow(signupId: string): Promise<string> {
	await continueSignup(signupId);
	return openSessionOf(signupId);
}

const pay = (session: string, card = '4242424242424242') =>
	platform.stripe(`/checkout/${session}/pay`, { card });
const fresh = (tenant: Tenant) => db.tenant.findUniqueOrThrow({ where: { id: tenant.id } });
const signupOf = (id: string) => db.signup.findUniqueOrThrow({ where: { id } });
const statesOf = (signupId: string) => world.sessions(signupId).map(({ status }) => status);
const told = (tenant: Tenant) =>
	db.notification.findMany({ where: { href: `/admin/tenants/${tenant.id}` } });
const saidOf = async (tenant: Tenant, action: string) =>
	(await db.auditEntry.findMany({ where: { action, subjectId: tenant.id } })).length;
const daysGoBy = (signupId: string) =>
	db.signup.update({ where: { id: signupId }, data: { payBy: after(now(), -MINUTE) } });
const cancel = (tenant: Tenant) =>
	transaction(async (tx) => deleteOrCancel(tx, await fresh(tenant), { by }));

async function expectClosed(tenant: Tenant, signupId: string, because: string): Promise<void> {
	await tenantIs(slug, 'deleted');
	expect(await fresh(tenant)).toMatchObject({ statusReason: because, deletedAt: expect.any(Date) });
	expect((await signupOf(signupId)).status).toBe('expired');
	expect(statesOf(signupId)).not.toContain('open');
	expect(await nameState(db, slug)).toBe('free');
	expect(await saidOf(tenant, 'tenants.close-request')).toBe(1);
	expect(await told(tenant)).toHaveLength(1);
	await expect(continueSignup(signupId)).rejects.toMatchObject({ code: 'LINK_EXPIRED' });
	await expect(transaction((tx) => sendPaymentLink(tx, tenant, { by }))).rejects.toThrow();
}

describe('a request that nobody pays', () => {
	it('lasts for the days that its mail names', async () => {
		const { tenant, signupId } = await request();
		const { payBy } = await signupOf(signupId);
		expect(Math.round((payBy!.getTime() - now().getTime()) / DAY)).toBe(7);
		const mail = await db.emailMessage.findFirstOrThrow({
			where: { toAddress: `ana@${slug}.example` }
		});
		expect(mail.data).toMatchObject({
			until: expect.stringContaining(String(payBy!.getFullYear()))
		});
		await sweepReservations();
		await closeRequest(signupId);
		expect(await fresh(tenant)).toMatchObject({ status: 'requested' });
		expect(await nameState(db, slug)).toBe('taken');
	});

	it('is closed when they are over: Stripe’s page first, then the name, and staff are told once', async () => {
		const { tenant, signupId } = await request();
		await follow(signupId);
		expect(statesOf(signupId)).toEqual(['open']);
		await daysGoBy(signupId);
		await sweepReservations();
		await expectClosed(tenant, signupId, 'UNPAID');
		expect(statesOf(signupId)).toEqual(['expired']);
		// Whatever comes once more changes nothing.
		await sweepReservations();
		await closeRequest(signupId);
		await checkoutChanged(world.sessions(signupId)[0]!.id, false);
		await expectClosed(tenant, signupId, 'UNPAID');
		const other = await openSignup(typed('basic', slug, 'otra@example.com'), someVisitor);
		expect(other.url).toContain('/c/pay/');
	});

	it('goes on when it turns out to be paid in that moment', async () => {
		const { tenant, signupId } = await request();
		const session = await follow(signupId);
		// Stripe's word of it is lost.
		platform.fault({ target: 'webhook', kind: 'drop', match: '', times: 100 });
		await pay(session);
		await daysGoBy(signupId);
		await closeRequest(signupId);
		await signupIs(signupId, 'completed');
		expect(await tenantIs(slug, 'active')).toMatchObject({ id: tenant.id, statusReason: null });
		expect(await told(tenant)).toEqual([]);
		expect(moneyOf(platform, signupId)).toMatchObject({ back: 0, subscriptions: ['active'] });
	});

	it('stays while Stripe does not answer, and is closed when it does', async () => {
		const { tenant, signupId } = await request();
		await follow(signupId);
		await daysGoBy(signupId);
		platform.fault({
			target: 'stripe',
			kind: 'status',
			status: 500,
			times: 1_000,
			match: '/expire'
		});
		await expect(closeRequest(signupId)).rejects.toMatchObject({ code: 'PAYMENT_UNAVAILABLE' });
		expect(await fresh(tenant)).toMatchObject({ status: 'requested' });
		expect(await nameState(db, slug)).toBe('taken');
		platform.sandbox.kernel.faults.clear();
		await closeRequest(signupId);
		await expectClosed(tenant, signupId, 'UNPAID');
	});

	it('is closed although the answer to its session was lost long ago', async () => {
		const { tenant, signupId } = await request();
		await db.checkoutSession.create({
			data: { signupId, attempt: 1, expiresAt: after(now(), -DAY) }
		});
		await daysGoBy(signupId);
		await sweepReservations();
		await expectClosed(tenant, signupId, 'UNPAID');
	});

	it('gives a payment back that comes all the same, and stays closed', async () => {
		const { tenant, signupId } = await request();
		const session = await follow(signupId);
		// A page that our rows know nothing of any more.
		await db.checkoutSession.updateMany({ where: { signupId }, data: { status: 'expired' } });
		await daysGoBy(signupId);
		await closeRequest(signupId);
		await pay(session);
		await signupIs(signupId, 'refunded');
		expect(moneyOf(platform, signupId)).toEqual({
			...{ paid: 2900, back: 2900, refunds: ['succeeded'], subscriptions: ['canceled'] }
		});
		expect(await fresh(tenant)).toMatchObject({ status: 'deleted' });
		expect(await nameState(db, slug)).toBe('free');
		expect(await db.provisioningJob.count({ where: { subjectId: tenant.id } })).toBe(0);
	});

	it.each([0, 40, 400])(
		'leaves no page open that somebody opens in the same moment, although Stripe takes %i ms',
		async (ms) => {
			const { tenant, signupId } = await request();
			platform.fault({
				...{ target: 'stripe', kind: 'delay', ms, when: 'after', times: 1 },
				match: 'POST /v1/checkout/sessions$'
			});
			// It is refused where the days have gone by before it looked.
			const following = Promise.allSettled([continueSignup(signupId)]);
			if (ms > 40) await eventually(() => db.checkoutSession.findFirst({ where: { signupId } }));
			await daysGoBy(signupId);
			await Promise.allSettled([closeRequest(signupId)]);
			await following;
			// The queue would try again, if Stripe was still at it.
			await closeRequest(signupId);
			await expectClosed(tenant, signupId, 'UNPAID');
		}
	);
});

describe('staff', () => {
	it('cancel a request by hand', async () => {
		const { tenant, signupId } = await request();
		await follow(signupId);
		const { version } = await fresh(tenant);
		const press = () =>
			tenantAct(tenant.id, { version, done: ['deleting', 'deleted', 'requested'] }, (tx, seen) =>
				deleteOrCancel(tx, seen, { by })
			);
		await press();
		await press();
		await expectClosed(tenant, signupId, 'CANCELLED');
		expect(await told(tenant)).toMatchObject([{ kind: 'tenant_request_cancelled' }]);
		expect(
			await db.auditEntry.findMany({
				where: { action: 'tenants.cancel-request', subjectId: tenant.id }
			})
		).toMatchObject([{ actorId: by.id }]);
		await expect(cancel(tenant)).rejects.toMatchObject({ code: 'WRONG_STATE' });
	});

	it('see until when it can be paid, and send a new link, once, which gives all the days again', async () => {
		const { tenant, signupId } = await request();
		await db.signup.update({ where: { id: signupId }, data: { payBy: after(now(), DAY) } });
		const { version } = await fresh(tenant);
		const press = () =>
			tenantAct(tenant.id, { version, done: ['requested'] }, (tx, seen) =>
				sendPaymentLink(tx, seen, { by })
			);
		await press();
		await press();
		const asked = await requestOf(db, tenant.id);
		expect(asked).toMatchObject({ email: `ana@${slug}.example`, isClosing: false });
		expect(Math.round((asked!.payBy!.getTime() - now().getTime()) / DAY)).toBe(7);
		expect(await db.emailMessage.count({ where: { toAddress: asked!.email } })).toBe(2);
		expect(await saidOf(tenant, 'tenants.send-payment-link')).toBe(1);
		await pay(await follow(signupId));
		await signupIs(signupId, 'completed');
		expect(await requestOf(db, tenant.id)).toBeNull();
	});

	it('have to wait while the bank decides, and the link is good again when it says no', async () => {
		const { tenant, signupId } = await request();
		const session = await follow(signupId);
		await pay(session, 'bank');
		await signupIs(signupId, 'processing');
		await expect(cancel(tenant)).rejects.toMatchObject({ code: 'PAYMENT_ON_ITS_WAY' });
		await daysGoBy(signupId);
		await closeRequest(signupId);
		expect(await fresh(tenant)).toMatchObject({ status: 'requested' });
		await db.signup.update({ where: { id: signupId }, data: { payBy: after(now(), DAY) } });
		await platform.stripe(`/checkout/${session}/async`, { outcome: 'failed' });
		await signupIs(signupId, 'open');
		// The earlier word comes once more, and late.
		await checkoutChanged(session, false);
		expect((await signupOf(signupId)).status).toBe('open');
		expect(await follow(signupId)).not.toBe(session);
		await cancel(tenant);
		await expectClosed(tenant, signupId, 'CANCELLED');
	});

	it('cannot cancel what was never to be paid by a link', async () => {
		const input = {
			...{ plan: 'basic', subdomain: slug, email: `ana@${slug}.example` },
			...{ company_name: 'Cacao Real S.A.', billing: 'invoice' as const }
		};
		const tenant = await transaction((tx) => createByStaff(tx, input, { by, locale: 'es' }));
		await expect(transaction((tx) => deleteOrCancel(tx, tenant, { by }))).rejects.toMatchObject({
			code: 'WRONG_STATE'
		});
		await eventually(async () => (await fresh(tenant)).status === 'active');
	});
});
