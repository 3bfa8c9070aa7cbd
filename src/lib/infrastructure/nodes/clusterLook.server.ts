import { GIB, MIB } from '#lib/core/bytes.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { ClusterResource, ClusterStatusRow } from '#lib/integrations/proxmox/types.ts';
import type { Resources } from '../placement/placement.ts';
import type { Seen, SeenStorage } from './healthJudgement.ts';

/** What one node of a cluster says of all of them, in two calls; of a host that stands alone in one. */
export interface ClusterSight {
	nodes: ClusterResource[];
	/** Empty where the token may not see storages. */
	storages: ClusterResource[];
	/** Null where the token may not see it, and of a host that stands alone. */
	status: ClusterStatusRow[] | null;
}

/** Told everything that a cluster has as soon as it is known: what it says grows old by the second. */
export type Hearer = (resources: ClusterResource[]) => Promise<void>;

/** Asks the first of some clients that answers. @returns null when none does */
export async function lookAtCluster(
	clients: ProxmoxClient[],
	hear: Hearer
): Promise<ClusterSight | null> {
	for (const client of clients) {
		try {
			const resources = await client.resources();
			await hear(resources);
			const of = (wanted: string) => resources.filter(({ type }) => type === wanted);
			const nodes = of('node');
			return {
				...{ nodes, storages: of('storage') },
				status: nodes.length === 1 ? null : await statusOf(client)
			};
		} catch (error) {
			if (!(error instanceof ProxmoxError)) throw error;
		}
	}
	return null;
}

async function statusOf(client: ProxmoxClient): Promise<ClusterStatusRow[] | null> {
	try {
		return await client.clusterStatus();
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind === 'forbidden') return null;
		throw error;
	}
}

/** What it says of one node; null when it does not know it, or the node is down. */
export function sightOf(sight: ClusterSight | null, node: string): Seen['cluster'] {
	if (!sight) return null;
	const { nodes, status } = sight;
	const members = status?.filter(({ type }) => type === 'node') ?? nodes;
	return {
		quorate: status?.find((row) => row.type === 'cluster')?.quorate ?? null,
		online: status ? status.filter((row) => row.type === 'node' && row.online).length : null,
		members: members.length,
		storages: storagesOf(sight, node)
	};
}

/** Null where nothing can be said: it is down, or the token may not see storages. */
export function storagesOf({ nodes, storages }: ClusterSight, node: string): SeenStorage[] | null {
	if (nodes.find((one) => one.node === node)?.status !== 'online') return null;
	const own = storages.filter((one) => one.node === node && one.storage !== undefined);
	if (own.length === 0) return null;
	return own.map((one) => {
		const active = one.status === 'available';
		return {
			storage: one.storage!,
			type: text(one.plugintype),
			content: text(one.content).split(',').filter(Boolean),
			shared: one.shared,
			active,
			totalGb: active && one.maxdisk !== undefined ? one.maxdisk / GIB : null,
			usedGb: active && one.disk !== undefined ? one.disk / GIB : null
		};
	});
}

/** What a node has; null where it is not said. Of a shared storage each node counts an equal part as its own. */
export function capacityOf(
	{ nodes, storages }: ClusterSight,
	name: string,
	rootfsStorage: string
): { [Key in keyof Resources]: number | null } {
	const node = nodes.find((one) => one.node === name);
	const storage = storages.find((one) => one.node === name && one.storage === rootfsStorage);
	const parts = storage?.shared ? Math.max(1, nodes.length) : 1;
	return {
		cpuCores: node?.maxcpu ?? null,
		ramMb: node?.maxmem === undefined ? null : Math.floor(node.maxmem / MIB),
		diskGb: storage?.maxdisk === undefined ? null : Math.floor(storage.maxdisk / GIB / parts)
	};
}

function text(value: unknown): string {
	return typeof value === 'string' ? value : '';
}
