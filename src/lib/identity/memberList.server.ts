import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';

export const MEMBER_LIST = { sort: ['name'], defaultSort: 'name' } satisfies ListSpec;

const select = {
	id: true,
	user: { select: { id: true, fullName: true, email: true, status: true, lastLoginAt: true } },
	role: { select: { key: true, name: true } }
} satisfies Prisma.MembershipSelect;

export type MemberRow = Prisma.MembershipGetPayload<{ select: typeof select }>;

export interface MemberQuery extends PageRequest {
	/** Looks in name and address. */
	q?: string;
	sort?: { direction: 'asc' | 'desc' };
}

/** One page of a company's people, by name. */
export function listMembers(
	tx: Tx,
	customerId: string,
	query: MemberQuery
): Promise<{ rows: MemberRow[]; meta: PageMeta }> {
	const found = query.q
		? Prisma.sql`AND lower(person.full_name || ' ' || person.email) LIKE ${contains(query.q)}`
		: Prisma.empty;
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`memberships AS member JOIN users AS person ON person.id = member.user_id`,
			where: Prisma.sql`member.customer_id = ${customerId}::uuid ${found}`,
			sortBy: Prisma.sql`person.full_name`,
			sortType: 'text',
			direction: query.sort?.direction ?? 'asc',
			id: Prisma.sql`member.id`
		},
		query,
		(id) => tx.membership.findMany({ where: { id, customerId }, select })
	);
}
