import type { Tx } from '#lib/core/db.server.ts';
import { accessChanged } from './sessions.server.ts';

/**
 * Takes everybody out of a customer. Who belongs nowhere else ceases to exist, with sessions, password, tokens and links.
 * @returns who ceased to exist, and the addresses that were known here, invited ones included
 */
export async function forgetPeopleOf(
	tx: Tx,
	customerId: string
): Promise<{ userIds: string[]; emails: string[] }> {
	const members = await tx.membership.findMany({
		where: { customerId },
		select: {
			user: {
				select: {
					id: true,
					email: true,
					staffRoleId: true,
					memberships: { where: { customerId: { not: customerId } }, take: 1, select: { id: true } }
				}
			}
		}
	});
	const gone = members
		.map(({ user }) => user)
		.filter(({ staffRoleId, memberships }) => !staffRoleId && memberships.length === 0);
	const userIds = gone.map(({ id }) => id);
	const invited = await tx.invitation.findMany({ where: { customerId }, select: { email: true } });
	await tx.invitation.deleteMany({ where: { customerId } });
	await tx.membership.deleteMany({ where: { customerId } });
	await tx.apiToken.deleteMany({ where: { OR: [{ customerId }, { userId: { in: userIds } }] } });
	for (const { user } of members) await accessChanged(tx, user.id);
	await tx.user.deleteMany({ where: { id: { in: userIds } } });
	return {
		userIds,
		emails: [...gone.map(({ email }) => email), ...invited.map(({ email }) => email)]
	};
}
