import { GIB, MIB } from '#lib/core/bytes.ts';
import { after } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { ClusterResource } from '#lib/integrations/proxmox/types.ts';
import type { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';
import { METRIC_MAX_AGE } from '../nodes/figures.server.ts';

const KB = 1000;

/** What a sample needs to know of a cluster besides what Proxmox says. */
export interface ClusterRows {
	nodes: { id: string; name: string }[];
	containers: ContainerRow[];
	tenants: TenantRow[];
}

interface ContainerRow {
	id: string;
	nodeId: string;
	vmid: number;
	hostname: string;
	status: ContainerStatus;
	purpose: ContainerPurpose;
	wantedRunning: boolean;
	adopted: boolean;
	rootVolume: string | null;
	haNodeId: string | null;
	/** Proxmox's counters at the sample before; null when that is too long ago to compare with. */
	netInBytes: bigint | null;
	netOutBytes: bigint | null;
}

interface TenantRow {
	id: string;
	customerId: string;
	containerId: string;
	/** Probes that were answered since the sample before, and what they took together. */
	answered: number;
	latencySumMs: number;
	/** The same of this hour so far, which the next sample compares with. */
	hourAnswered: number;
	hourLatencySumMs: number;
}

/** Two queries for the whole cluster, whatever its size. @param at of the sample */
export async function clusterRows(tx: Tx, clusterId: string, at: Date): Promise<ClusterRows> {
	const oldest = after(at, -METRIC_MAX_AGE);
	const nodes = await tx.node.findMany({
		where: { clusterId, removedAt: null },
		select: { id: true, name: true }
	});
	const containers = await tx.$queryRaw<ContainerRow[]>`
		SELECT container.id, container.node_id AS "nodeId", container.vmid, container.hostname, container.status,
			container.purpose, container.wanted_running AS "wantedRunning", container.ha_node_id AS "haNodeId",
			container.adopted, container.root_volume AS "rootVolume",
			counter.net_in_bytes AS "netInBytes", counter.net_out_bytes AS "netOutBytes"
		FROM lxc_containers container
		LEFT JOIN metric_counters counter ON counter.subject_id = container.id AND counter.at > ${oldest}
		WHERE container.cluster_id = ${clusterId}::uuid AND container.status <> 'deleted'`;
	const tenants = await tx.$queryRaw<TenantRow[]>`
		SELECT tenant.id, tenant.customer_id AS "customerId", tenant.container_id AS "containerId",
			coalesce(probes.answered, 0) - coalesce(counter.answered, 0) AS answered,
			coalesce(probes.latency, 0) - coalesce(counter.latency_sum_ms, 0) AS "latencySumMs",
			coalesce(probes.hour_answered, 0) AS "hourAnswered", coalesce(probes.hour_latency, 0) AS "hourLatencySumMs"
		FROM tenant_deployments tenant
		JOIN lxc_containers container ON container.id = tenant.container_id
		LEFT JOIN metric_counters counter ON counter.subject_id = tenant.id AND counter.at > ${oldest}
		LEFT JOIN LATERAL (
			SELECT sum(answered)::int AS answered, sum(latency_sum_ms)::int AS latency,
				(sum(answered) FILTER (WHERE at = date_trunc('hour', ${at}::timestamptz, 'UTC')))::int AS hour_answered,
				(sum(latency_sum_ms) FILTER (WHERE at = date_trunc('hour', ${at}::timestamptz, 'UTC')))::int AS hour_latency
			FROM tenant_uptime_hours
			WHERE tenant_id = tenant.id AND at >= date_trunc('hour', coalesce(counter.at, ${at}::timestamptz), 'UTC')
		) probes ON true
		WHERE container.cluster_id = ${clusterId}::uuid AND container.status <> 'deleted'
			AND tenant.status NOT IN ('deleted', 'refunded')`;
	return { nodes, containers, tenants };
}

/** Values of one node, container or tenant; a dedicated container's are its tenant's, too. */
interface Sample {
	node_id: string | null;
	container_id: string | null;
	tenant_id: string | null;
	customer_id: string | null;
	cpu_fraction: number | null;
	ram_mb: number | null;
	disk_gb: number | null;
	network_in_kb: number | null;
	network_out_kb: number | null;
	latency_ms: number | null;
	tenants: number | null;
}

interface Counter {
	subject_id: string;
	net_in_bytes: string | null;
	net_out_bytes: string | null;
	answered: number | null;
	latency_sum_ms: number | null;
}

/**
 * What is stored of a cluster at one moment. A node or container that says nothing gets no value: nothing is made up.
 * @param resources of the whole cluster, from one call
 * @param rootfsStorage that containers lie on: the disk of a node
 */
export function samplesOf(
	rows: ClusterRows,
	resources: ClusterResource[],
	rootfsStorage: string
): { samples: Sample[]; counters: Counter[] } {
	const guests = new Map(
		resources.flatMap((one) =>
			one.type === 'lxc' && one.vmid !== undefined ? [[one.vmid, one]] : []
		)
	);
	const inside = Map.groupBy(rows.tenants, ({ containerId }) => containerId);
	const samples: Sample[] = [];
	const counters: Counter[] = [];
	const onNode = new Map<string, Sum>(rows.nodes.map(({ name }) => [name, emptySum()]));
	for (const row of rows.containers) {
		const guest = guests.get(row.vmid);
		const tenants = inside.get(row.id) ?? [];
		const nodeName = guest?.node ?? rows.nodes.find(({ id }) => id === row.nodeId)?.name ?? '';
		const sample = guest && containerSample(row, guest, tenants);
		addTo(onNode.get(nodeName), tenants, sample ?? null);
		if (!guest || !sample) continue;
		const only = row.purpose === 'odoo' ? tenants[0] : undefined;
		samples.push(only ? { ...sample, tenant_id: only.id, customer_id: only.customerId } : sample);
		counters.push({
			subject_id: row.id,
			net_in_bytes: counter(guest.netin)?.toString() ?? null,
			net_out_bytes: counter(guest.netout)?.toString() ?? null,
			answered: null,
			latency_sum_ms: null
		});
		for (const tenant of tenants) {
			const latency = latencyOf([tenant]);
			if (tenant !== only && latency !== null)
				samples.push({
					...empty,
					...{ tenant_id: tenant.id, customer_id: tenant.customerId, latency_ms: latency }
				});
		}
	}
	for (const { id, hourAnswered, hourLatencySumMs } of rows.tenants) {
		const probes = { answered: hourAnswered, latency_sum_ms: hourLatencySumMs };
		counters.push({ subject_id: id, net_in_bytes: null, net_out_bytes: null, ...probes });
	}
	samples.push(...nodeSamples(rows.nodes, resources, rootfsStorage, onNode));
	return { samples, counters };
}

/** Two statements, whatever the size of the cluster. */
export async function writeSamples(
	tx: Tx,
	{ samples, counters }: ReturnType<typeof samplesOf>,
	at: Date
): Promise<void> {
	await tx.$executeRaw`
		INSERT INTO resource_metrics (id, recorded_at, node_id, container_id, tenant_id, customer_id, cpu_fraction, ram_mb, disk_gb,
			network_in_kb, network_out_kb, latency_ms, tenants)
		SELECT gen_random_uuid(), ${at}::timestamptz, node_id, container_id, tenant_id, customer_id, cpu_fraction, ram_mb, disk_gb,
			network_in_kb, network_out_kb, latency_ms, tenants
		FROM jsonb_to_recordset(${JSON.stringify(samples)}::jsonb) AS sample (node_id uuid, container_id uuid, tenant_id uuid,
			customer_id uuid, cpu_fraction float8, ram_mb int, disk_gb float8, network_in_kb float8, network_out_kb float8,
			latency_ms int, tenants int)`;
	await tx.$executeRaw`
		INSERT INTO metric_counters (subject_id, at, net_in_bytes, net_out_bytes, answered, latency_sum_ms)
		SELECT subject_id, ${at}::timestamptz, net_in_bytes, net_out_bytes, answered, latency_sum_ms
		FROM jsonb_to_recordset(${JSON.stringify(counters)}::jsonb) AS counter (subject_id uuid, net_in_bytes bigint,
			net_out_bytes bigint, answered int, latency_sum_ms int)
		ON CONFLICT (subject_id) DO UPDATE SET at = EXCLUDED.at, net_in_bytes = EXCLUDED.net_in_bytes,
			net_out_bytes = EXCLUDED.net_out_bytes, answered = EXCLUDED.answered, latency_sum_ms = EXCLUDED.latency_sum_ms`;
}

const empty: Sample = {
	node_id: null,
	container_id: null,
	tenant_id: null,
	customer_id: null,
	cpu_fraction: null,
	ram_mb: null,
	disk_gb: null,
	network_in_kb: null,
	network_out_kb: null,
	latency_ms: null,
	tenants: null
};

function containerSample(
	row: ContainerRow,
	guest: ClusterResource,
	tenants: TenantRow[]
): Sample | null {
	if (guest.status !== 'running' || guest.cpu === undefined) return null;
	return {
		...empty,
		container_id: row.id,
		cpu_fraction: guest.cpu,
		ram_mb: guest.mem === undefined ? null : Math.round(guest.mem / MIB),
		disk_gb: guest.disk === undefined ? null : guest.disk / GIB,
		network_in_kb: since(row.netInBytes, counter(guest.netin)),
		network_out_kb: since(row.netOutBytes, counter(guest.netout)),
		latency_ms: latencyOf(tenants),
		tenants: row.purpose === 'template' ? null : tenants.length
	};
}

/** What a node's containers add up to: Proxmox has no traffic of a node. */
interface Sum {
	tenants: TenantRow[];
	networkInKb: number | null;
	networkOutKb: number | null;
}

function emptySum(): Sum {
	return { tenants: [], networkInKb: null, networkOutKb: null };
}

function addTo(sum: Sum | undefined, tenants: TenantRow[], sample: Sample | null): void {
	if (!sum) return;
	sum.tenants.push(...tenants);
	const { network_in_kb: incoming = null, network_out_kb: outgoing = null } = sample ?? {};
	if (incoming !== null) sum.networkInKb = (sum.networkInKb ?? 0) + incoming;
	if (outgoing !== null) sum.networkOutKb = (sum.networkOutKb ?? 0) + outgoing;
}

function nodeSamples(
	nodes: ClusterRows['nodes'],
	resources: ClusterResource[],
	rootfsStorage: string,
	sums: Map<string, Sum>
): Sample[] {
	return nodes.flatMap(({ id, name }): Sample[] => {
		const node = resources.find((one) => one.type === 'node' && one.node === name);
		if (node?.status !== 'online' || node.cpu === undefined || node.mem === undefined) return [];
		const storage = resources.find(
			(one) => one.type === 'storage' && one.node === name && one.storage === rootfsStorage
		);
		// Every node counts an equal part of a shared storage as its own.
		const sharedBy = storage?.shared ? nodes.length : 1;
		const sum = sums.get(name) ?? emptySum();
		return [
			{
				...empty,
				node_id: id,
				cpu_fraction: node.cpu,
				ram_mb: Math.round(node.mem / MIB),
				disk_gb: storage?.disk === undefined ? null : storage.disk / GIB / sharedBy,
				network_in_kb: sum.networkInKb,
				network_out_kb: sum.networkOutKb,
				latency_ms: latencyOf(sum.tenants),
				tenants: sum.tenants.length
			}
		];
	});
}

/** Milliseconds that an answer took on average; null when none came since the sample before. */
function latencyOf(tenants: TenantRow[]): number | null {
	const answered = tenants.reduce((sum, one) => sum + one.answered, 0);
	const latency = tenants.reduce((sum, one) => sum + one.latencySumMs, 0);
	return answered > 0 && latency >= 0 ? Math.round(latency / answered) : null;
}

function counter(value: unknown): bigint | null {
	return typeof value === 'number' && value >= 0 ? BigInt(Math.round(value)) : null;
}

/** Kilobytes between two samples; null for the first, and after a restart, when the counters begin again. */
function since(before: bigint | null, at: bigint | null): number | null {
	if (before === null || at === null || at < before) return null;
	return Number(at - before) / KB;
}
