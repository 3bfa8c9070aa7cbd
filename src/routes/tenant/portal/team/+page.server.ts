import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, user } = requireCustomer(event, 'team:read');
	const { page, pageSize } = parseListQuery(event.url, { sort: ['name'], defaultSort: 'name' });
	const where = { customerId };
	return asCustomer(scope, async (tx) => {
		const members = await tx.membership.findMany({
			where,
			orderBy: [{ user: { fullName: 'asc' } }, { id: 'asc' }],
			skip: (page - 1) * pageSize,
			take: pageSize,
			select: {
				id: true,
				user: {
					select: { id: true, fullName: true, email: true, status: true, lastLoginAt: true }
				},
				role: { select: { key: true, name: true } }
			}
		});
		return {
			members: members.map((member) => ({ ...member, isSelf: member.user.id === user.id })),
			meta: { total: await tx.membership.count({ where }), page, pageSize }
		};
	});
};
