import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { DAY, HOUR, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Tenant, TenantStatus } from '#prisma/generated/client.ts';
import { buy } from '../../../tests/setup/buyers.ts';
import { signupIs, tenantIs } from '../../../tests/setup/money.ts';
import { outside } from '../../../tests/setup/outside.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { workDunning } from '../billing/dunningWork.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { answerForTenantHost } from './offAir.server.ts';
import { subscriptionChanged } from './subscriptionChanges.server.ts';
import { reactivate, suspend } from './tenants.server.ts';

vi.setConfig({ testTimeout: 240_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);
const { clock } = platform.sandbox.kernel;
const align = () => setClockOffset(clock.now() * 1000 - Date.now());
afterEach(align);
afterAll(() => setClockOffset(0));

const LATER = '4000000000000341';
const GOOD = '4242424242424242';
const tenantOf = (slug: string) => db.tenant.findFirstOrThrow({ where: { slug } });
const is = (slug: string, status: TenantStatus) =>
	eventually(async () => {
		const tenant = await tenantOf(slug);
		return tenant.status === status && tenant;
	}, 60);

/** Both clocks, and what Stripe does by itself on the way. */
async function pass(milliseconds: number): Promise<void> {
	clock.advance(milliseconds);
	align();
	await fetch(`${platform.sandbox.vendors.stripe.url}/v1/products`, {
		headers: { authorization: `Bearer ${platform.sandbox.vendors.stripe.key}` }
	});
}

/** An instance that runs, and whose renewal has just failed. */
async function late(slug: string): Promise<Tenant> {
	await platform.stripe('/settings', { after_retries: 'past_due' });
	const { signupId } = await buy(platform, 'basic', slug, LATER);
	await signupIs(signupId, 'completed');
	const tenant = await tenantIs(slug, 'active');
	const { currentPeriodEnd } = await db.subscription.findUniqueOrThrow({
		where: { id: tenant.subscriptionId! }
	});
	await pass(currentPeriodEnd!.getTime() - now().getTime() + 1.2 * HOUR);
	await eventually(() =>
		db.dunningCase.findFirst({ where: { subscriptionId: tenant.subscriptionId!, owed: { gt: 0 } } })
	);
	return tenant;
}

/** The days of the policy up to its suspension, with a worker that is awake. */
async function untilSuspended(tenant: Tenant): Promise<void> {
	const { subscriptionId } = tenant;
	for (let day = 0; day < 40; day++) {
		await pass(DAY);
		await workDunning();
		await eventually(
			async () =>
				!(await db.dunningCase.findFirst({
					where: { subscriptionId: subscriptionId!, nextAt: { lte: now() } }
				})),
			40
		);
		const { status } = await db.subscription.findUniqueOrThrow({ where: { id: subscriptionId! } });
		if (status === 'suspended') return;
	}
	throw new Error('it was never suspended');
}

const serviceOf = (tenant: Tenant, domain: string) =>
	world.rules(`${tenant.slug}.${domain}`).map(({ service }) => service);

it('goes off the air for money, says why at the edge, and is back with the payment', async () => {
	const tenant = await late('suspension-1');
	const { name: domain } = await db.baseDomain.findUniqueOrThrow({
		where: { id: tenant.baseDomainId }
	});
	const served = serviceOf(tenant, domain);
	await untilSuspended(tenant);
	expect(await is(tenant.slug, 'suspended')).toMatchObject({
		suspensionReason: 'unpaid',
		readOnlyReasons: ['unpaid']
	});
	await eventually(async () => serviceOf(tenant, domain)[0] !== served[0], 40);

	const request = new Request('http://x/', { headers: { host: `${tenant.slug}.${domain}` } });
	const answer = await answerForTenantHost(request, 'es');
	expect(answer?.status).toBe(503);
	const page = await answer!.text();
	expect(page).toMatch(/29,00/);
	expect(page).toContain('Pago pendiente desde');
	expect(page).toContain('termina la suscripción');
	expect(page).toMatch(/href="[^"]+\/pay\/[^"]+"/);
	const { customer } = await db.tenant.findUniqueOrThrow({
		where: { id: tenant.id },
		select: { customer: { select: { email: true, companyName: true } } }
	});
	expect(page).not.toContain(customer.email);
	expect(page).not.toContain(customer.companyName);

	const [open] = await db.invoice.findMany({
		where: { subscriptionId: tenant.subscriptionId!, status: 'open' }
	});
	const { vendors } = platform.sandbox;
	const paid = await fetch(`${vendors.stripe.url}/v1/invoices/${open!.stripeInvoiceId}/pay`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${vendors.stripe.key}`,
			'content-type': 'application/x-www-form-urlencoded'
		},
		body: 'paid_out_of_band=true'
	});
	expect(paid.status).toBe(200);
	await is(tenant.slug, 'active');
	expect((await tenantOf(tenant.slug)).readOnlyReasons).toEqual([]);
	await eventually(async () => serviceOf(tenant, domain)[0] === served[0], 40);
	expect(
		await db.dunningCase.findFirstOrThrow({ where: { subscriptionId: tenant.subscriptionId! } })
	).toMatchObject({ outcome: 'paid' });
});

it('never comes back by a payment when it was suspended for abuse or on request', async () => {
	const { signupId } = await buy(platform, 'basic', 'suspension-2', GOOD);
	await signupIs(signupId, 'completed');
	for (const reason of ['abuse', 'request'] as const) {
		const tenant = await is('suspension-2', 'active');
		await transaction((tx) => suspend(tx, tenant, { reason, by: SYSTEM }));
		await subscriptionChanged(tenant.subscriptionId!);
		const off = await is('suspension-2', 'suspended');
		expect(off.suspensionReason).toBe(reason);
		await transaction((tx) => reactivate(tx, off, { by: SYSTEM }));
	}
});

it('stays on the air until what is paid ends, whatever Stripe calls it', async () => {
	const { signupId } = await buy(platform, 'basic', 'suspension-3', GOOD);
	await signupIs(signupId, 'completed');
	const tenant = await is('suspension-3', 'active');
	const id = tenant.subscriptionId!;
	const paidThrough = new Date(now().getTime() + 20 * DAY);
	await db.subscription.update({ where: { id }, data: { status: 'suspended', paidThrough } });
	await subscriptionChanged(id);
	expect(await is('suspension-3', 'active')).toMatchObject({ suspensionReason: null });
	setClockOffset(clock.now() * 1000 - Date.now() + 21 * DAY);
	await subscriptionChanged(id);
	expect(await is('suspension-3', 'suspended')).toMatchObject({ suspensionReason: 'unpaid' });
});
