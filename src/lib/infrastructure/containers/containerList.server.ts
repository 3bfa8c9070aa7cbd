import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { isContainerStatus } from '../words.ts';
import { lastUse, type ContainerUse } from './containerUse.server.ts';

export const CONTAINER_LIST = {
	sort: ['vmid', 'hostname', 'created_at'],
	defaultSort: 'vmid',
	filters: ['node', 'status', 'purpose']
} satisfies ListSpec;

export interface ContainerQuery extends PageRequest {
	/** Looks in the host name, the address and the VMID. */
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
	filters: { node?: string; status?: string; purpose?: string };
}

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' | 'int8' }> = {
	vmid: { sortBy: Prisma.sql`container.vmid`, sortType: 'int8' },
	hostname: { sortBy: Prisma.sql`container.hostname`, sortType: 'text' },
	created_at: { sortBy: Prisma.sql`container.created_at`, sortType: 'timestamptz' }
};

const select = {
	id: true,
	vmid: true,
	hostname: true,
	purpose: true,
	status: true,
	odooVersion: true,
	cpuCores: true,
	ramMb: true,
	diskGb: true,
	ipAddress: true,
	slots: true,
	retiring: true,
	adopted: true,
	wantedRunning: true,
	warmPlanId: true,
	moveToNodeId: true,
	haNodeId: true,
	warmPlan: { select: { name: true } },
	createdAt: true,
	node: { select: { id: true, name: true, cluster: { select: { name: true } } } },
	tenants: {
		where: { status: { notIn: ['deleted', 'refunded'] } },
		select: { id: true, slug: true },
		orderBy: { slug: 'asc' }
	},
	/** The server that has its databases, and the containers whose databases it has. */
	postgres: { select: { id: true, hostname: true, status: true } },
	served: {
		where: { status: { not: 'deleted' } },
		select: {
			...{ id: true, vmid: true, hostname: true, status: true },
			tenants: {
				where: { status: { notIn: ['deleted', 'refunded'] } },
				select: { id: true, slug: true },
				orderBy: { slug: 'asc' }
			}
		},
		orderBy: { vmid: 'asc' }
	},
	acts: {
		where: { status: { in: ['queued', 'running'] } },
		select: { id: true, act: true, status: true },
		take: 1
	}
} satisfies Prisma.ContainerSelect;

type Found = Prisma.ContainerGetPayload<{ select: typeof select }>;

export interface ContainerRow extends Omit<Found, 'acts'> {
	/** Null: not measured within the last 15 minutes. */
	use: ContainerUse | null;
	/** What was asked of it and is not done. */
	act: Found['acts'][number] | null;
}

/** One page of the containers; deleted ones show only when the filter asks for them. */
export async function listContainers(
	tx: Tx,
	query: ContainerQuery
): Promise<{ rows: ContainerRow[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`lxc_containers AS container JOIN proxmox_nodes node ON node.id = container.node_id`,
			where: whereOf(query),
			...(SORTS[query.sort.key] ?? SORTS.vmid!),
			direction: query.sort.direction,
			id: Prisma.sql`container.id`
		},
		query,
		({ in: ids }) => containerRows(tx, ids)
	);
}

/** These containers as lists show them, in no order. */
export async function containerRows(tx: Tx, ids: string[]): Promise<ContainerRow[]> {
	const found = await tx.container.findMany({ where: { id: { in: ids } }, select });
	const use = await lastUse(tx, ids);
	return found.map(({ acts, ...row }) => ({
		...row,
		use: use.get(row.id) ?? null,
		act: acts[0] ?? null
	}));
}

/** @param name of a node, or `cluster/node` where two clusters have nodes of the same name */
function isOnNode(name: string): Prisma.Sql {
	const cut = name.lastIndexOf('/');
	if (cut < 0) return Prisma.sql`node.name = ${name}`;
	return Prisma.sql`node.name = ${name.slice(cut + 1)} AND node.cluster_id IN (
		SELECT id FROM proxmox_clusters WHERE name = ${name.slice(0, cut)})`;
}

function whereOf({ q, filters }: ContainerQuery): Prisma.Sql {
	const conditions = [
		filters.status && isContainerStatus(filters.status)
			? Prisma.sql`container.status = ${filters.status}::container_status`
			: Prisma.sql`container.status <> 'deleted'`
	];
	if (filters.node) conditions.push(isOnNode(filters.node));
	if (filters.purpose) conditions.push(Prisma.sql`container.purpose::text = ${filters.purpose}`);
	if (q) {
		const pattern = contains(q);
		conditions.push(
			Prisma.sql`(lower(container.hostname) LIKE ${pattern} OR container.ip_address LIKE ${pattern} OR container.vmid::text LIKE ${pattern})`
		);
	}
	return Prisma.join(conditions, ' AND ');
}
