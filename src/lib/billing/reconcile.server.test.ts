import { expect, it } from 'vitest';
import { adopt, aSignup, aSubscription, payFor } from '../../../tests/factories/billing.ts';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { HOUR, MINUTE, setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { ignoreDrift, repairDrift } from '#lib/logs/drifts.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { catchUp } from './catchUp.server.ts';
import './jobs.server.ts';
import { pushCustomer } from './customerSync.server.ts';
import { reconcile } from './reconcile.server.ts';
import { refreshSubscription } from './refresh.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;
const by: Actor = { kind: 'staff', id: null, label: 'finance@example.com' };

/** Paid, taken over, and known to Stripe as we know it; its set-up is somebody else's business. */
async function paying() {
	const paid = await payFor(stripe, await aSignup());
	const owner = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);
	await pushCustomer(owner.customer.id);
	return { paid, ...owner };
}
const open = (kind: string) =>
	db.drift.findMany({ where: { kind, closedAt: null }, orderBy: { firstSeenAt: 'asc' } });
const about = async (kind: string, subjectId: string) =>
	(await open(kind)).find((drift) => drift.subjectId === subjectId);

it('finds nothing where both say the same, and says what it looked at', async () => {
	const { customer, subscription } = await paying();
	const run = await reconcile('finance@example.com');
	expect(run).toMatchObject({ area: 'billing', byLabel: 'finance@example.com', error: null });
	expect(run.finishedAt).not.toBeNull();
	expect(run.compared).toMatchObject({ subscriptions: expect.any(Number) });
	const mine = await db.drift.findMany({
		where: { subjectId: { in: [customer.id, subscription.id] } }
	});
	expect(mine).toEqual([]);
});

it('finds a subscription that changed past us, keeps its age, repairs it, and closes it', async () => {
	const { paid, subscription } = await paying();
	await api.subscriptions.update(paid.stripeSubscriptionId, { cancel_at_period_end: true });
	await reconcile();
	const first = await about('billing.subscription-differs', subscription.id);
	expect(first).toMatchObject({ cause: 'event-missed', ours: { cancelAt: null } });
	await reconcile();
	const again = await about('billing.subscription-differs', subscription.id);
	expect(again).toMatchObject({ id: first!.id, firstSeenAt: first!.firstSeenAt });
	// Looking changes nothing.
	expect(await db.subscription.findUnique({ where: { id: subscription.id } })).toMatchObject({
		cancelAt: null
	});
	expect(await repairDrift(first!.id, by)).toBe('done');
	const row = await db.subscription.findUniqueOrThrow({ where: { id: subscription.id } });
	expect(row.cancelAt).toEqual(row.currentPeriodEnd);
	expect(await db.drift.findUnique({ where: { id: first!.id } })).toMatchObject({
		outcome: 'repaired',
		repairBy: by.label
	});
	await reconcile();
	expect(await about('billing.subscription-differs', subscription.id)).toBeUndefined();
});

it('closes by itself what is right the next time', async () => {
	const { customer, paid } = await paying();
	await api.customers.update(paid.stripeCustomerId, { name: 'Otro nombre' });
	await reconcile();
	const drift = await about('billing.customer-differs', customer.id);
	expect(drift).toMatchObject({
		ours: { name: customer.companyName },
		theirs: { name: 'Otro nombre' }
	});
	await pushCustomer(customer.id);
	await reconcile();
	expect(await db.drift.findUnique({ where: { id: drift!.id } })).toMatchObject({
		outcome: 'gone'
	});
});

it('finds invoices that we do not have or have otherwise, and reads them again', async () => {
	const { paid, customer } = await paying();
	const known = await db.invoice.findFirstOrThrow({ where: { customerId: customer.id } });
	await db.invoice.update({ where: { id: known.id }, data: { status: 'open', amountPaid: 0 } });
	await api.subscriptions.update(paid.stripeSubscriptionId, {
		billing_cycle_anchor: { type: 'now' },
		proration_behavior: 'none'
	});
	await reconcile();
	const differs = await about('billing.invoice-differs', known.id);
	expect(differs).toMatchObject({ ours: { status: 'open' }, theirs: { status: 'paid' } });
	const missing = (await open('billing.invoice-unknown')).find(
		(drift) => drift.customerId === customer.id
	);
	await repairDrift(differs!.id, by);
	await repairDrift(missing!.id, by);
	expect(await db.invoice.count({ where: { customerId: customer.id, status: 'paid' } })).toBe(2);
});

it('leaves alone what somebody said may stay, until it says something else', async () => {
	const { customer, paid } = await paying();
	await api.customers.update(paid.stripeCustomerId, { name: 'Se queda' });
	await reconcile();
	const drift = await about('billing.customer-differs', customer.id);
	await ignoreDrift(drift!.id, 'the accountant wants it', by);
	await reconcile();
	expect(await about('billing.customer-differs', customer.id)).toBeUndefined();
	await api.customers.update(paid.stripeCustomerId, { name: 'Otra cosa' });
	await reconcile();
	expect(await about('billing.customer-differs', customer.id)).toMatchObject({
		theirs: { name: 'Otra cosa' }
	});
});

it('finds who paid and has nothing, and who has something and does not pay', async () => {
	const old = new Date(Date.now() - 2 * HOUR);
	const paid = await aSubscription();
	await db.subscription.update({ where: { id: paid.id }, data: { createdAt: old } });
	const fresh = await aSubscription();
	const tenant = await createUnplacedTenant(db);
	const ended = await aSubscription({ customerId: tenant.customerId, status: 'cancelled' });
	await db.tenant.update({
		where: { id: tenant.id },
		data: { status: 'active', subscriptionId: ended.id }
	});
	await reconcile();
	expect(await about('billing.paid-without-tenant', paid.id)).toMatchObject({
		cause: 'not-delivered'
	});
	expect(await about('billing.paid-without-tenant', fresh.id)).toBeUndefined();
	const unpaid = await about('billing.tenant-unpaid', tenant.id);
	expect(unpaid).toMatchObject({ cause: 'not-ended' });
	expect(await repairDrift(unpaid!.id, by)).toBe('asked');
	// Nobody has seen it agree yet.
	expect(await about('billing.tenant-unpaid', tenant.id)).toMatchObject({ repairBy: by.label });
	expect(await waitingJobs('provisioning.subscription-changed')).toContainEqual({
		subscriptionId: ended.id
	});
});

it('finds events that never came, which the periodic look fetches', async () => {
	await catchUp();
	const { paid } = await paying();
	await api.customers.update(paid.stripeCustomerId, { description: 'something' });
	stripe.kernel.clock.advance(20 * MINUTE);
	setClockOffset(20 * MINUTE);
	try {
		await reconcile();
		const missed = await open('billing.event-missed');
		expect(missed.length).toBeGreaterThan(0);
		await repairDrift(missed[0]!.id, by);
		expect(
			await db.stripeEvent.findUnique({ where: { eventId: missed[0]!.subjectId } })
		).not.toBeNull();
		await catchUp();
		await reconcile();
		expect(await open('billing.event-missed')).toEqual([]);
	} finally {
		setClockOffset(0);
		stripe.kernel.clock.offsetMs = 0;
	}
});

it('keeps its findings while Stripe does not answer, and says that it could not look', async () => {
	const { customer, paid } = await paying();
	await api.customers.update(paid.stripeCustomerId, { name: 'Antes' });
	await reconcile();
	const drift = await about('billing.customer-differs', customer.id);
	stripe.fault({ match: 'GET /v1/customers', kind: 'status', status: 503, times: 10 });
	const run = await reconcile();
	expect(run.error).toMatch(/^customers: /);
	expect(await about('billing.customer-differs', customer.id)).toMatchObject({ id: drift!.id });
});

it('says what stops a repair: Stripe that is away, and what only a person can decide', async () => {
	const { customer, paid } = await paying();
	await api.customers.update(paid.stripeCustomerId, { name: 'Con falla' });
	await reconcile();
	const differs = await about('billing.customer-differs', customer.id);
	stripe.fault({ match: 'GET /v1/customers', kind: 'status', status: 503, times: 10 });
	await expect(repairDrift(differs!.id, by)).rejects.toMatchObject({ code: 'VENDOR_UNAVAILABLE' });
	expect(await about('billing.customer-differs', customer.id)).toMatchObject({
		repairError: expect.any(String)
	});
	stripe.kernel.faults.clear();
	const tenant = await createUnplacedTenant(db);
	await db.tenant.update({
		where: { id: tenant.id },
		data: { status: 'active', subscriptionId: null }
	});
	await reconcile();
	const unpaid = await about('billing.tenant-unpaid', tenant.id);
	await expect(repairDrift(unpaid!.id, by)).rejects.toMatchObject({ code: 'BY_HAND' });
});
