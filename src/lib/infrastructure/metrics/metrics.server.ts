import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { ClusterResource } from '#lib/integrations/proxmox/types.ts';
import { openAlert } from '#lib/notifications/alerts.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { askCluster, isDown } from '../nodes/clients.server.ts';
import { containerTransition } from '../states.ts';
import { GIB } from '../nodes/survey.server.ts';

const MIB = 1024 ** 2;
const KB = 1000;
/** Days that raw values are kept. */
const KEEP_DAYS = 30;

type Metric = Prisma.ResourceMetricCreateManyInput;

/**
 * Stores what every cluster says that its nodes and our containers use now, and follows containers that were moved,
 * stopped or started by somebody else. A node or container that says nothing gets no value: nothing is made up.
 */
export async function collectMetrics(): Promise<void> {
	await makePartitions();
	const clusters = await db.cluster.findMany({ select: { id: true, rootfsStorage: true } });
	for (const cluster of clusters) {
		const rows = await loadRows(cluster.id);
		let resources: ClusterResource[];
		try {
			resources = await askCluster(cluster.id, {}, (proxmox) => proxmox.resources());
		} catch (error) {
			if (!isDown(error)) throw error;
			continue;
		}
		const at = now();
		await transaction(async (tx) => {
			const metrics = nodeMetrics(rows.nodes, resources, cluster.rootfsStorage, at);
			for (const container of rows.containers) {
				const guest = resources.find((one) => one.type === 'lxc' && one.vmid === container.vmid);
				await followGuest(tx, container, guest, rows.nodes);
				const metric = guest && containerMetric(container, guest, at);
				if (!metric) continue;
				metrics.push(metric);
				await tx.container.update({
					where: { id: container.id },
					data: { netInBytes: counter(guest.netin), netOutBytes: counter(guest.netout) }
				});
			}
			await tx.resourceMetric.createMany({ data: metrics });
			await publish(tx, 'staff:metrics');
		});
	}
}

async function loadRows(clusterId: string) {
	const nodes = await db.node.findMany({ where: { clusterId }, select: { id: true, name: true } });
	const containers = await db.container.findMany({
		where: { clusterId, status: { not: 'deleted' } },
		include: {
			tenants: {
				where: { status: { notIn: ['deleted', 'refunded'] } },
				select: { id: true, customerId: true }
			}
		}
	});
	return { nodes, containers };
}

type Rows = Awaited<ReturnType<typeof loadRows>>;
type ContainerRow = Rows['containers'][number];

function nodeMetrics(
	nodes: Rows['nodes'],
	resources: ClusterResource[],
	rootfsStorage: string,
	at: Date
): Metric[] {
	return nodes.flatMap(({ id, name }): Metric[] => {
		const node = resources.find((one) => one.type === 'node' && one.node === name);
		if (node?.status !== 'online' || node.cpu === undefined || node.mem === undefined) return [];
		const storage = resources.find(
			(one) => one.type === 'storage' && one.node === name && one.storage === rootfsStorage
		);
		// Every node counts an equal part of a shared storage as its own.
		const sharedBy = storage?.shared ? nodes.length : 1;
		return [
			{
				recordedAt: at,
				nodeId: id,
				cpuFraction: node.cpu,
				ramMb: Math.round(node.mem / MIB),
				diskGb: storage?.disk === undefined ? null : storage.disk / GIB / sharedBy
			}
		];
	});
}

/** A dedicated container's values are those of its tenant, too. */
function containerMetric(row: ContainerRow, guest: ClusterResource, at: Date): Metric | null {
	if (guest.status !== 'running' || guest.cpu === undefined) return null;
	const tenant = row.purpose === 'odoo' ? row.tenants[0] : undefined;
	return {
		recordedAt: at,
		containerId: row.id,
		...(tenant ? { tenantId: tenant.id, customerId: tenant.customerId } : {}),
		cpuFraction: guest.cpu,
		ramMb: guest.mem === undefined ? null : Math.round(guest.mem / MIB),
		diskGb: guest.disk === undefined ? null : guest.disk / GIB,
		networkInKb: since(row.netInBytes, counter(guest.netin)),
		networkOutKb: since(row.netOutBytes, counter(guest.netout))
	};
}

function counter(value: unknown): bigint | null {
	return typeof value === 'number' && value >= 0 ? BigInt(Math.round(value)) : null;
}

/** Kilobytes between two samples; null for the first, and after a restart, when the counters begin again. */
function since(before: bigint | null, at: bigint | null): number | null {
	if (before === null || at === null || at < before) return null;
	return Number(at - before) / KB;
}

/** The row of a container goes where the container is and says how it is; one that has vanished is an alert. */
async function followGuest(
	tx: Tx,
	row: ContainerRow,
	guest: ClusterResource | undefined,
	nodes: Rows['nodes']
): Promise<void> {
	// What a run is still making, or taking down, is that run's.
	if (row.status === 'provisioning' || row.retiring) return;
	const nodeId = nodes.find(({ name }) => name === guest?.node)?.id ?? row.nodeId;
	const isKnown = guest?.status === 'running' || guest?.status === 'stopped';
	const status = guest ? (isKnown ? guest.status : row.status) : 'error';
	if (nodeId === row.nodeId && status === row.status) return;
	if (status !== 'running' && status !== 'stopped' && status !== 'error') return;
	if (row.status === 'paused' && status === 'stopped') return;
	await tx.container.updateMany({
		where: { id: row.id, status: row.status },
		data: { nodeId, status: containerTransition(row.status, status) }
	});
	if (status === 'error') {
		await openAlert(tx, {
			rule: 'infrastructure.container-missing',
			subjectType: 'container',
			subjectId: row.id,
			severity: 'critical',
			data: { vmid: row.vmid, hostname: row.hostname }
		});
	}
	await publish(tx, 'staff:containers', row.id);
}

/** One partition a day, made a day ahead. */
async function makePartitions(): Promise<void> {
	for (const day of [now(), after(now(), DAY)]) {
		try {
			await db.$executeRaw`SELECT ensure_metric_partition(${day.toISOString().slice(0, 10)}::date)`;
		} catch (error) {
			// Values of that day are in the default partition already, where they stay.
			log.warn({ err: error }, 'no partition for the metrics of a day');
		}
	}
}

/** Drops the raw values of days past the limit. @returns names of the partitions that were dropped */
export async function pruneMetrics(): Promise<string[]> {
	const limit = after(now(), -KEEP_DAYS * DAY);
	const oldest = `resource_metrics_${limit.toISOString().slice(0, 10).replaceAll('-', '')}`;
	const rows = await db.$queryRaw<{ name: string }[]>`
		SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
		WHERE inhparent = 'resource_metrics'::regclass AND relname ~ '^resource_metrics_[0-9]{8}$' AND relname < ${oldest}
		ORDER BY 1`;
	for (const { name } of rows) await db.$executeRawUnsafe(`DROP TABLE "${name}"`);
	await db.resourceMetric.deleteMany({ where: { recordedAt: { lt: limit } } });
	return rows.map(({ name }) => name);
}
