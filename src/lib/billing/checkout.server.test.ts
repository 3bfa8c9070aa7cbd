import { expect, it } from 'vitest';
import { aSignup, payFor } from '../../../tests/factories/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { ensureStripePrice, planOnSale } from '#lib/plans/plans.server.ts';
import {
	createCheckoutSession,
	expireCheckoutSession,
	retrieveCheckoutSession,
	type CheckoutInput
} from './checkout.server.ts';

await testDatabase();
const stripe = await testStripe();
const basic = await planOnSale(db, 'basic');
const priceId = await ensureStripePrice(basic.prices[0]!.id);
const expiresAt = after(now(), 31 * MINUTE);

async function input(): Promise<CheckoutInput> {
	const signup = await aSignup({ planId: basic.id });
	return {
		signupId: signup.id,
		attempt: 1,
		email: signup.email,
		priceId,
		locale: 'es',
		successUrl: 'http://localhost:4443/success?session_id={CHECKOUT_SESSION_ID}',
		cancelUrl: 'http://localhost:4443/signup',
		expiresAt,
		metadata: { slug: signup.slug }
	};
}

it('opens a page to pay what the plan costs, until the reservation ends', async () => {
	const wanted = await input();
	const { id, url } = await createCheckoutSession(wanted);
	expect(await (await fetch(url)).text()).toContain('29');
	expect(await retrieveCheckoutSession(id)).toMatchObject({
		status: 'open',
		paymentStatus: 'unpaid',
		signupId: wanted.signupId,
		subscriptionId: null,
		expiresAt: new Date(Math.floor(expiresAt.getTime() / 1000) * 1000)
	});
});

it('opens one session for one attempt, also when the answer is lost', async () => {
	const wanted = await input();
	stripe.fault({ match: 'POST /v1/checkout/sessions', kind: 'reset', when: 'after', times: 2 });
	await expect(createCheckoutSession(wanted)).rejects.toMatchObject({ ambiguous: true });
	const one = await createCheckoutSession(wanted);
	const two = await createCheckoutSession(wanted);
	expect(two.id).toBe(one.id);
	const all = stripe.server.account.all('sessions');
	expect(all.filter((row) => row.client_reference_id === wanted.signupId)).toHaveLength(1);
	expect((await createCheckoutSession({ ...wanted, attempt: 2 })).id).not.toBe(one.id);
});

it('tells the subscription whose it is', async () => {
	const paid = await payFor(stripe, await aSignup());
	const subscription = stripe.server.account.find('subscriptions', paid.stripeSubscriptionId);
	expect(subscription?.metadata).toEqual({ signup_id: paid.signup.id, slug: paid.signup.slug });
});

it('ends an open session and says that it has', async () => {
	const { id } = await createCheckoutSession(await input());
	expect(await expireCheckoutSession(id)).toMatchObject({ status: 'expired' });
	expect(await expireCheckoutSession(id)).toMatchObject({ status: 'expired' });
});

it('says that it was paid when somebody was faster', async () => {
	const paid = await payFor(stripe, await aSignup());
	expect(await expireCheckoutSession(paid.stripeSessionId)).toMatchObject({
		status: 'complete',
		paymentStatus: 'paid',
		subscriptionId: paid.stripeSubscriptionId
	});
});

it.each([
	['500 before', { kind: 'status', status: 500 }],
	['reset after', { kind: 'reset', when: 'after', times: 2 }]
] as const)('looks what became of it when ending it fails: %s', async (_, fault) => {
	const { id } = await createCheckoutSession(await input());
	stripe.fault({ match: 'POST .*/expire', ...fault });
	const ended = await expireCheckoutSession(id).catch(() => expireCheckoutSession(id));
	expect(ended.status).toBe('expired');
});

it('knows no session that Stripe does not know', async () => {
	expect(await retrieveCheckoutSession('cs_test_none')).toBeNull();
});

it('asks for a card and charges it when the trial is over, where the plan has one', async () => {
	const signup = await aSignup();
	const price = await db.planPrice.findFirstOrThrow({ where: { planId: signup.planId } });
	const { id } = await createCheckoutSession({
		signupId: signup.id,
		attempt: 1,
		email: signup.email,
		priceId: await ensureStripePrice(price.id),
		locale: 'es',
		successUrl: 'http://localhost:4443/success',
		cancelUrl: 'http://localhost:4443/signup',
		expiresAt: after(now(), 31 * MINUTE),
		trialDays: 14,
		automaticTax: true,
		metadata: {}
	});
	await stripe.control(`/checkout/${id}/pay`, { card: '4242424242424242' });
	const checkout = await retrieveCheckoutSession(id);
	expect(checkout).toMatchObject({ status: 'complete', paymentStatus: 'no_payment_required' });
	const subscription = await stripe.api.subscriptions.retrieve(checkout!.subscriptionId!);
	expect(subscription).toMatchObject({ status: 'trialing' });
	const days = (subscription.trial_end! - subscription.trial_start!) / 86_400;
	expect(days).toBe(14);
	expect(subscription.default_payment_method).not.toBeNull();
});
