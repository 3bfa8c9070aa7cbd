import { expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { aSignup, aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { CUSTOMER_STATUSES, mayBecome, type CustomerStatus } from './customerStates.ts';
import { findOrCreateForSignup, refreshStatus, transition } from './customers.server.ts';

await testDatabase();

const ALLOWED = [
	'pending→active',
	'pending→deleted',
	'active→inactive',
	'inactive→active',
	'inactive→deleted'
];
const PAIRS = CUSTOMER_STATUSES.flatMap((from) =>
	CUSTOMER_STATUSES.map((to) => [from, to] as const)
);
const statusOf = async (id: string) =>
	(await db.customer.findUniqueOrThrow({ where: { id } })).status;

it.each(PAIRS)('may go from %s to %s only where the table says so', async (from, to) => {
	const allowed = ALLOWED.includes(`${from}→${to}`);
	expect(mayBecome(from, to)).toBe(allowed);
	const { id } = await aCustomer({ status: from });
	const tried = transaction((tx) => transition(tx, id, to));
	if (allowed || from === to) await tried;
	else await expect(tried).rejects.toMatchObject({ code: 'WRONG_STATE' });
	expect(await statusOf(id)).toBe(allowed ? to : from);
});

it('follows the subscriptions of the customer', async () => {
	const { id } = await aCustomer();
	const refreshed = async (): Promise<CustomerStatus> => {
		await transaction((tx) => refreshStatus(tx, id));
		return statusOf(id);
	};
	expect(await refreshed()).toBe('pending');
	const subscription = await aSubscription({ customerId: id, status: 'pending' });
	const become = (status: 'active' | 'past_due' | 'suspended' | 'cancelled') =>
		db.subscription.update({ where: { id: subscription.id }, data: { status } });
	expect(await refreshed()).toBe('pending');
	await become('active');
	expect(await refreshed()).toBe('active');
	await become('suspended');
	expect(await refreshed()).toBe('active');
	await become('cancelled');
	expect(await refreshed()).toBe('inactive');
	await aSubscription({ customerId: id, status: 'past_due' });
	expect(await refreshed()).toBe('active');
});

it('is inactive when its subscription had ended before we learned of it', async () => {
	const { id } = await aCustomer();
	await aSubscription({ customerId: id, status: 'cancelled', stripeStatus: 'canceled' });
	await transaction((tx) => refreshStatus(tx, id));
	expect(await statusOf(id)).toBe('inactive');
});

it('makes one customer of a signup, however often it is asked', async () => {
	const signup = await aSignup();
	const find = () =>
		transaction((tx) => findOrCreateForSignup(tx, { signup, stripeCustomerId: 'cus_once' }));
	const found = await Promise.all([find(), find(), find()]);
	expect(new Set(found.map(({ id }) => id)).size).toBe(1);
	expect(found[0]).toMatchObject({
		companyName: signup.companyName,
		email: signup.email,
		status: 'pending',
		stripeCustomerId: 'cus_once'
	});
});

it('never joins a customer because the email is the same', async () => {
	const known = await aCustomer({ email: 'dueña@example.com' });
	const signup = await aSignup({ email: known.email });
	const made = await transaction((tx) =>
		findOrCreateForSignup(tx, { signup, stripeCustomerId: 'cus_other' })
	);
	expect(made.id).not.toBe(known.id);
});

it('keeps to the customer that the signup was made for', async () => {
	const known = await aCustomer();
	const signup = await aSignup({ customerId: known.id });
	const found = await transaction((tx) =>
		findOrCreateForSignup(tx, { signup, stripeCustomerId: 'cus_link' })
	);
	expect(found).toMatchObject({ id: known.id, stripeCustomerId: 'cus_link' });
	const again = await transaction((tx) =>
		findOrCreateForSignup(tx, { signup, stripeCustomerId: 'cus_second' })
	);
	expect(again.stripeCustomerId).toBe('cus_link');
});
