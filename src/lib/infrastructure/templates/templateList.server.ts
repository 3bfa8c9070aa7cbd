import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { isTemplateStatus } from './templateWords.ts';

export const TEMPLATE_LIST = {
	sort: ['created_at', 'vmid', 'version'],
	defaultSort: '-created_at',
	filters: ['cluster', 'status']
} as const satisfies ListSpec;

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' | 'int8' }> = {
	created_at: { sortBy: Prisma.sql`template.created_at`, sortType: 'timestamptz' },
	vmid: { sortBy: Prisma.sql`container.vmid`, sortType: 'int8' },
	version: { sortBy: Prisma.sql`template.odoo_version`, sortType: 'text' }
};

const include = {
	cluster: { select: { id: true, name: true } },
	container: {
		select: {
			...{ id: true, vmid: true, hostname: true, cpuCores: true, ramMb: true, diskGb: true },
			node: { select: { name: true } }
		}
	}
} satisfies Prisma.TemplateInclude;

export type TemplateRow = Prisma.TemplateGetPayload<{ include: typeof include }>;

export interface TemplateQuery extends PageRequest {
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
	filters: { cluster?: string; status?: string };
}

/** One page of the templates; deleted ones only when the filter asks for them. */
export function listTemplates(
	tx: Tx,
	query: TemplateQuery
): Promise<{ rows: TemplateRow[]; meta: PageMeta }> {
	const { status, cluster } = query.filters;
	const conditions = [
		status && isTemplateStatus(status)
			? Prisma.sql`template.status = ${status}::template_status`
			: Prisma.sql`template.status <> 'deleted'`
	];
	if (cluster) conditions.push(Prisma.sql`cluster.name = ${cluster}`);
	if (query.q) {
		const pattern = contains(query.q);
		conditions.push(
			Prisma.sql`(lower(container.hostname) LIKE ${pattern} OR container.vmid::text LIKE ${pattern} OR template.odoo_version LIKE ${pattern})`
		);
	}
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`container_templates AS template JOIN lxc_containers container ON container.id = template.container_id JOIN proxmox_clusters cluster ON cluster.id = template.cluster_id`,
			where: Prisma.join(conditions, ' AND '),
			...(SORTS[query.sort.key] ?? SORTS.created_at!),
			direction: query.sort.direction,
			id: Prisma.sql`template.id`
		},
		query,
		(id) => tx.template.findMany({ where: { id }, include })
	);
}
