import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import type { CustomerImport } from '#prisma/generated/client.ts';

export const IMPORT_LIST = {
	sort: ['created_at'],
	defaultSort: '-created_at'
} as const satisfies ListSpec;

/** One page of the files that were taken in, newest first. */
export function listImports(
	tx: Tx,
	query: PageRequest & { sort: { direction: 'asc' | 'desc' } }
): Promise<{ rows: CustomerImport[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`customer_imports AS import`,
			where: Prisma.sql`true`,
			sortBy: Prisma.sql`import.created_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`import.id`
		},
		query,
		(id) => tx.customerImport.findMany({ where: { id } })
	);
}
