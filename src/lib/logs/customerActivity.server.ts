import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';

export const ACTIVITY_LIST = { sort: ['at'], defaultSort: '-at' } satisfies ListSpec;

const select = {
	id: true,
	at: true,
	actorKind: true,
	actorLabel: true,
	action: true
} satisfies Prisma.AuditEntrySelect;

export type ActivityRow = Prisma.AuditEntryGetPayload<{ select: typeof select }>;

/**
 * One page of what was done in a company, newest first.
 * @param tx also the customer's own, which may read these columns only
 * @param whose `address`: only what this person did; null: what anybody did
 */
export function listActivity(
	tx: Tx,
	{ customerId, address }: { customerId: string; address: string | null },
	request: PageRequest
): Promise<{ rows: ActivityRow[]; meta: PageMeta }> {
	const conditions = [Prisma.sql`entry.customer_id = ${customerId}::uuid`];
	// The tenant role may not read who exactly acted; people act under their address.
	if (address !== null)
		conditions.push(
			Prisma.sql`entry.actor_kind IN ('member', 'token') AND starts_with(entry.actor_label, ${address})`
		);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`audit_log AS entry`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`entry.at`,
			sortType: 'timestamptz',
			direction: 'desc',
			id: Prisma.sql`entry.id`
		},
		request,
		(id) => tx.auditEntry.findMany({ where: { id, customerId }, select })
	);
}
