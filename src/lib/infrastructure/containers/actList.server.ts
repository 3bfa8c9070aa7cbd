import { Prisma, type ContainerAct } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { isActStatus } from './actWords.ts';

export const ACT_LIST = {
	sort: ['created_at'],
	defaultSort: '-created_at',
	filters: ['act', 'status']
} satisfies ListSpec;

export interface ActQuery extends PageRequest {
	sort: { direction: 'asc' | 'desc' };
	filters: { act?: string; status?: string };
}

/** One page of what was asked of a container. */
export async function listActs(
	tx: Tx,
	containerId: string,
	query: ActQuery
): Promise<{ rows: ContainerAct[]; meta: PageMeta }> {
	const { act, status } = query.filters;
	const conditions = [Prisma.sql`act.container_id = ${containerId}::uuid`];
	if (act) conditions.push(Prisma.sql`act.act = ${act}`);
	if (status && isActStatus(status))
		conditions.push(Prisma.sql`act.status = ${status}::container_act_status`);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`container_acts AS act`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`act.created_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`act.id`
		},
		query,
		(id) => tx.containerAct.findMany({ where: { id } })
	);
}
