import type { Tx } from '#lib/core/db.server.ts';

export interface NewOwner {
	customerId: string;
	email: string;
	fullName: string;
	locale: string;
}

/**
 * Gives a customer its first member. A person that we do not know becomes a user without a password, whom a mailed link
 * lets set one. A person that we know joins only after login (`joinOwnCustomers`): whoever paid may have typed any address.
 * @returns the user, and whether it is a member now
 */
export async function addFirstOwner(
	tx: Tx,
	owner: NewOwner
): Promise<{ userId: string; joined: boolean }> {
	const known = await tx.user.findUnique({ where: { email: owner.email }, select: { id: true } });
	if (known) {
		const membership = await tx.membership.findUnique({
			where: { userId_customerId: { userId: known.id, customerId: owner.customerId } },
			select: { id: true }
		});
		return { userId: known.id, joined: membership !== null };
	}
	const user = await tx.user.create({
		data: {
			email: owner.email,
			fullName: owner.fullName,
			locale: owner.locale,
			credential: { create: {} },
			memberships: { create: { customerId: owner.customerId, roleId: await ownerRole(tx) } }
		},
		select: { id: true }
	});
	return { userId: user.id, joined: true };
}

/** A customer that was paid for under this address and has nobody yet; who logs in under it will join it. */
export async function waitingCustomer(tx: Tx, email: string): Promise<string | null> {
	const waiting = await tx.customer.findFirst({ where: unclaimed(email), select: { id: true } });
	return waiting?.id ?? null;
}

/** After a login: joins the customers that were paid for under this person's address and have nobody yet. */
export async function joinOwnCustomers(tx: Tx, user: { id: string; email: string }): Promise<void> {
	const waiting = await tx.customer.findMany({
		where: unclaimed(user.email),
		select: { id: true }
	});
	if (waiting.length === 0) return;
	const roleId = await ownerRole(tx);
	await tx.membership.createMany({
		data: waiting.map(({ id }) => ({ userId: user.id, customerId: id, roleId })),
		skipDuplicates: true
	});
}

function unclaimed(email: string) {
	return { email, status: { not: 'deleted' as const }, memberships: { none: {} } };
}

/** Takes back the member that a refunded signup made, unless that person has come in meanwhile or belongs elsewhere too. */
export async function removeUnusedOwner(tx: Tx, customerId: string): Promise<void> {
	await tx.user.deleteMany({
		where: {
			staffRoleId: null,
			lastLoginAt: null,
			credential: { passwordHash: null },
			memberships: { some: { customerId }, every: { customerId } }
		}
	});
}

async function ownerRole(tx: Tx): Promise<string> {
	const role = await tx.role.findUniqueOrThrow({
		where: { kind_key: { kind: 'customer', key: 'owner' } },
		select: { id: true }
	});
	return role.id;
}

export interface Company {
	id: string;
	name: string;
}

/** The companies that a person may work for, by name. */
export async function companiesOf(tx: Tx, userId: string): Promise<Company[]> {
	const memberships = await tx.membership.findMany({
		where: { userId, customer: { status: { not: 'deleted' } } },
		select: { customer: { select: { id: true, companyName: true } } },
		orderBy: { customer: { companyName: 'asc' } }
	});
	return memberships.map(({ customer }) => ({ id: customer.id, name: customer.companyName }));
}
