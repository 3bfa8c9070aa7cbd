import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';

export const MEMBER_LIST = { sort: ['name'], defaultSort: 'name' } satisfies ListSpec;

const select = {
	id: true,
	user: { select: { id: true, fullName: true, email: true, status: true, lastLoginAt: true } },
	role: { select: { key: true, name: true } }
} satisfies Prisma.MembershipSelect;

export type MemberRow = Prisma.MembershipGetPayload<{ select: typeof select }>;

/** One page of a company's people, by name. */
export function listMembers(
	tx: Tx,
	customerId: string,
	request: PageRequest
): Promise<{ rows: MemberRow[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`memberships AS member JOIN users AS person ON person.id = member.user_id`,
			where: Prisma.sql`member.customer_id = ${customerId}::uuid`,
			sortBy: Prisma.sql`person.full_name`,
			sortType: 'text',
			direction: 'asc',
			id: Prisma.sql`member.id`
		},
		request,
		(id) => tx.membership.findMany({ where: { id, customerId }, select })
	);
}
