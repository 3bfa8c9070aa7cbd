import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, user, permissions } = requireCustomer(event, 'activity:read');
	const { page, pageSize } = parseListQuery(event.url, { sort: ['at'], defaultSort: '-at' });
	const seesAll = permissions.get('activity:read') === 'all';
	// The tenant role may not read who exactly acted; people act under their address.
	const where = seesAll
		? { customerId }
		: {
				customerId,
				actorKind: { in: ['member', 'token'] },
				actorLabel: { startsWith: user.email }
			};
	return asCustomer(scope, async (tx) => ({
		seesAll,
		entries: await tx.auditEntry.findMany({
			where,
			orderBy: [{ at: 'desc' }, { id: 'desc' }],
			skip: (page - 1) * pageSize,
			take: pageSize,
			select: { id: true, at: true, actorKind: true, actorLabel: true, action: true }
		}),
		meta: {
			// By id: the role may read some columns only.
			total: (await tx.auditEntry.count({ where, select: { id: true } })).id,
			page,
			pageSize
		}
	}));
};
