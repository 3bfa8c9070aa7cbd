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

/** After a login: the customers that were paid for under this person's address and have nobody yet. */
export async function joinOwnCustomers(
	tx: Tx,
	user: { id: string; email: string }
): Promise<number> {
	const waiting = await tx.customer.findMany({
		where: { email: user.email, status: { not: 'deleted' }, memberships: { none: {} } },
		select: { id: true }
	});
	if (waiting.length === 0) return 0;
	const roleId = await ownerRole(tx);
	const { count } = await tx.membership.createMany({
		data: waiting.map(({ id }) => ({ userId: user.id, customerId: id, roleId })),
		skipDuplicates: true
	});
	return count;
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
