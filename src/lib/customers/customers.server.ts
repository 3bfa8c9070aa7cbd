import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, SYSTEM, type Actor } from '#lib/logs/audit.server.ts';
import type { Customer, Signup } from '#prisma/generated/client.ts';
import { mayBecome, type CustomerStatus } from './customerStates.ts';

/** What a customer is made from. */
export type SignupFacts = Pick<
	Signup,
	'id' | 'customerId' | 'companyName' | 'fullName' | 'email' | 'country' | 'locale'
>;

/**
 * The customer that a paid signup belongs to: the one it was made for, the one that Stripe charged, or a new one.
 * Never one with the same email: whoever types an address has not proved that it is theirs.
 * Runs any number of times with the same result. Writing `signup.customerId` is the caller's.
 */
export async function findOrCreateForSignup(
	tx: Tx,
	input: { signup: SignupFacts; stripeCustomerId: string | null }
): Promise<Customer> {
	const { signup, stripeCustomerId } = input;
	await lock(tx, `customers.signup:${signup.id}`);
	const known = signup.customerId
		? await tx.customer.findUnique({ where: { id: signup.customerId } })
		: stripeCustomerId
			? await tx.customer.findUnique({ where: { stripeCustomerId } })
			: null;
	if (known) return known.stripeCustomerId ? known : withStripe(tx, known, stripeCustomerId);
	return createCustomer(tx, { ...factsOf(signup), stripeCustomerId });
}

export interface NewCustomer {
	companyName: string;
	fullName: string;
	email: string;
	country: string | null;
	locale: string;
	phone?: string | null;
	taxId?: string | null;
	taxIdType?: string | null;
	taxExempt?: string;
	addressLine?: string | null;
	city?: string | null;
	state?: string | null;
	postalCode?: string | null;
	notes?: string | null;
	stripeCustomerId?: string | null;
	/** Who makes it; the system by default. */
	by?: Actor;
}

/** A company that will pay: `pending` until it has a subscription in force. */
export async function createCustomer(tx: Tx, input: NewCustomer): Promise<Customer> {
	const { by = SYSTEM, ...facts } = input;
	const customer = await tx.customer.create({ data: facts });
	await audit(tx, {
		actor: by,
		action: 'customers.create',
		subject: { type: 'customer', id: customer.id },
		customerId: customer.id,
		after: { companyName: customer.companyName, email: customer.email }
	});
	await publish(tx, 'staff:customers', customer.id);
	return customer;
}

function factsOf({ companyName, fullName, email, country, locale }: SignupFacts) {
	return { companyName, fullName, email, country, locale };
}

/**
 * Moves a customer to another status, and writes nothing when it has it already.
 * @throws {AppError} WRONG_STATE for a way that does not exist; NOT_FOUND
 */
export async function transition(
	tx: Tx,
	customerId: string,
	to: CustomerStatus,
	by: Actor = SYSTEM
): Promise<void> {
	const [row] = await tx.$queryRaw<{ status: CustomerStatus }[]>`
		SELECT status FROM customers WHERE id = ${customerId}::uuid FOR UPDATE`;
	if (!row) throw new AppError('NOT_FOUND');
	if (row.status === to) return;
	if (!mayBecome(row.status, to))
		throw new AppError('WRONG_STATE', { params: { from: row.status, to } });
	await tx.customer.update({ where: { id: customerId }, data: { status: to } });
	await audit(tx, {
		actor: by,
		action: `customers.become-${to}`,
		subject: { type: 'customer', id: customerId },
		customerId,
		before: { status: row.status },
		after: { status: to }
	});
	await publish(tx, [`customer:${customerId}`, 'staff:customers'], customerId);
}

/**
 * What follows for a customer from its subscriptions: active while one is live, inactive when it had one, and the plan
 * of the newest live one. A deleted customer stays deleted.
 */
export async function refreshStatus(tx: Tx, customerId: string): Promise<void> {
	// Rows that name the customer (an invoice on its way in another transaction) do not stand in the way of this lock.
	await tx.$queryRaw`SELECT id FROM customers WHERE id = ${customerId}::uuid FOR NO KEY UPDATE`;
	const customer = await tx.customer.findUniqueOrThrow({
		where: { id: customerId },
		select: { status: true, planKey: true }
	});
	const live = await tx.subscription.findFirst({
		where: { customerId, status: { in: ['active', 'past_due', 'suspended'] } },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		select: { plan: { select: { key: true } } }
	});
	const planKey = live?.plan.key ?? null;
	if (planKey !== customer.planKey)
		await tx.customer.update({ where: { id: customerId }, data: { planKey } });
	if (customer.status === 'deleted') return;
	if (live) return transition(tx, customerId, 'active');
	// A subscription that had ended before we learned of it was in force all the same.
	if (customer.status === 'pending' && (await hadOne(tx, customerId)))
		await transition(tx, customerId, 'active');
	else if (customer.status !== 'active') return;
	await transition(tx, customerId, 'inactive');
}

/** Notes when a customer first was worth something: the month of its cohort. Later calls change nothing. */
export async function noteFirstPaid(tx: Tx, customerId: string, at: Date): Promise<void> {
	await tx.customer.updateMany({
		where: { id: customerId, firstPaidAt: null },
		data: { firstPaidAt: at }
	});
}

async function hadOne(tx: Tx, customerId: string): Promise<boolean> {
	const ended = await tx.subscription.findFirst({
		where: { customerId, stripeStatus: 'canceled' },
		select: { id: true }
	});
	return ended !== null;
}

async function withStripe(
	tx: Tx,
	customer: Customer,
	stripeCustomerId: string | null
): Promise<Customer> {
	if (!stripeCustomerId) return customer;
	const taken = await tx.customer.findUnique({
		where: { stripeCustomerId },
		select: { id: true }
	});
	if (taken) return customer;
	return tx.customer.update({ where: { id: customer.id }, data: { stripeCustomerId } });
}
