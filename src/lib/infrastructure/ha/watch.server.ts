import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type {
	HaStatusRow,
	ReplicationStatus
} from '#lib/integrations/proxmox/highAvailability.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { closeAlert } from '#lib/notifications/alerts.server.ts';
import type { Node } from '#prisma/generated/client.ts';
import { heldContainers } from '../drift/held.server.ts';
import { askCluster, isDown } from '../nodes/clients.server.ts';
import { eachAlone } from '../nodes/eachAlone.server.ts';
import { placingState } from '../nodes/health.ts';
import { FAILED_OVER } from './failovers.server.ts';
import { keepGuard } from './guards.server.ts';
import { reservePartner } from './partner.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.ensure-ha': { containerId: string; again?: boolean | undefined };
		'infrastructure.watch-ha': Record<string, never>;
	}
}

/** A second node that is away for longer than this is no second node: a reboot takes less. */
export const PARTNER_PATIENCE = 15 * MINUTE;

type WatchedNode = Pick<
	Node,
	'id' | 'name' | 'status' | 'offlineSince' | 'haltedAt' | 'misses' | 'health' | 'removedAt'
>;

/** A container with a second node. */
interface Watched {
	id: string;
	clusterId: string;
	vmid: number;
	node: WatchedNode;
	haNode: WatchedNode | null;
	shared: boolean;
}

/**
 * One look at every container that has a second node: how Proxmox's HA manager sees it, and how old its copy is. Where the
 * second node is out of service another one takes its place, and who had failed over and is whole again is no alert any more.
 * One call for each cluster, and one for each node from which disks are copied.
 */
export async function watchHa(): Promise<void> {
	const rows = await watched();
	const clusters = Map.groupBy(rows, ({ clusterId }) => clusterId);
	try {
		await eachAlone(
			[...clusters].map(([id, ofCluster]) => ({ id, ofCluster })),
			watchCluster
		);
	} finally {
		await closeWhole();
	}
}

async function watchCluster({
	id,
	ofCluster
}: {
	id: string;
	ofCluster: Watched[];
}): Promise<void> {
	try {
		await askCluster(id, {}, (proxmox) => lookAt(proxmox, ofCluster));
	} finally {
		// Where nobody answers, what was seen last keeps its time; who stands by is in our own books.
		const held = await heldContainers(db, id);
		for (const row of ofCluster) if (!held.has(row.id)) await replacePartner(row);
	}
}

async function watched(): Promise<Watched[]> {
	const node = {
		select: {
			...{ id: true, name: true, status: true, offlineSince: true, haltedAt: true },
			...{ misses: true, health: true, removedAt: true }
		}
	};
	const rows = await db.container.findMany({
		where: { haNodeId: { not: null }, status: { notIn: ['deleted', 'provisioning'] } },
		select: {
			...{ id: true, clusterId: true, vmid: true, storage: true, node, haNode: node },
			nodeId: true
		},
		orderBy: { vmid: 'asc' }
	});
	const clusters = await db.cluster.findMany({ select: { id: true, rootfsStorage: true } });
	const own = new Map(clusters.map(({ id, rootfsStorage }) => [id, rootfsStorage]));
	const shared = await db.nodeStorage.findMany({
		where: { shared: true, nodeId: { in: rows.map(({ nodeId }) => nodeId) } },
		select: { nodeId: true, storage: true }
	});
	const isShared = new Set(shared.map(({ nodeId, storage }) => `${nodeId} ${storage}`));
	return rows.map((row) => ({
		...row,
		shared: isShared.has(`${row.nodeId} ${row.storage ?? own.get(row.clusterId) ?? ''}`)
	}));
}

async function lookAt(proxmox: ProxmoxClient, rows: Watched[]): Promise<void> {
	const status = await proxmox.haStatus();
	const copies = await copiesOf(proxmox, rows);
	await transaction(async (tx) => {
		for (const row of rows) {
			const service = serviceOf(status, row);
			// It is on its way to another node, or there already: whoever follows it says so first.
			if (service?.node && service.node !== row.node.name) continue;
			const copy = copies
				.get(row.node.name)
				?.find(({ guest, target }) => guest === row.vmid && target === row.haNode?.name);
			// Nothing is known of the copy, rather than that there is none.
			if (!row.shared && !copies.has(row.node.name)) continue;
			await keepGuard(tx, row.id, { replicated: !row.shared }, { service, copy: copy ?? null });
		}
	});
}

function serviceOf(status: HaStatusRow[], { vmid }: Watched): HaStatusRow | null {
	return status.find(({ type, sid }) => type === 'service' && sid === `ct:${vmid}`) ?? null;
}

/** By the node that they are sent from; one that does not answer is left out. */
async function copiesOf(
	proxmox: ProxmoxClient,
	rows: Watched[]
): Promise<Map<string, ReplicationStatus[]>> {
	const copies = new Map<string, ReplicationStatus[]>();
	for (const name of new Set(rows.filter(({ shared }) => !shared).map(({ node }) => node.name))) {
		try {
			copies.set(name, await proxmox.replicationStatus(name));
		} catch (error) {
			if (!isDown(error)) throw error;
		}
	}
	return copies;
}

/** Another node stands by where the one that did is out of service. */
async function replacePartner(row: Watched): Promise<void> {
	if (!row.haNode || !isOut(row.haNode) || placingState(row.node) === 'offline') return;
	const before = row.haNode.name;
	await transaction(async (tx) => {
		const found = await reservePartner(tx, row.id, { another: true });
		if (!('nodeId' in found)) return;
		await askForHa(tx, row.id);
		await audit(tx, {
			...{ actor: SYSTEM, action: 'infrastructure.replace-standby' },
			subject: { type: 'container', id: row.id },
			before: { node: before },
			after: { node: found.name, vmid: row.vmid }
		});
	});
}

function isOut(node: WatchedNode): boolean {
	if (node.removedAt || node.status === 'maintenance') return true;
	return (
		node.status === 'offline' &&
		node.offlineSince !== null &&
		after(node.offlineSince, PARTNER_PATIENCE) <= now()
	);
}

/** Has a worker make Proxmox have of a container's high availability what its row says. */
export async function askForHa(tx: Tx, containerId: string): Promise<void> {
	await enqueue(tx, 'infrastructure.ensure-ha', { containerId }, { key: containerId });
}

/** What had failed over is on two nodes again, with a copy from after it: nobody has to do anything any more. */
async function closeWhole(): Promise<void> {
	const whole = await db.$queryRaw<{ id: string }[]>`
		SELECT container.id FROM alerts alert
		JOIN lxc_containers container ON container.id::text = alert.subject_id
		LEFT JOIN container_guards guard ON guard.container_id = container.id
		LEFT JOIN proxmox_nodes standby ON standby.id = container.ha_node_id
		LEFT JOIN LATERAL (SELECT max(coalesce(running_at, lost_at)) AS at FROM failovers WHERE container_id = container.id) last ON true
		WHERE alert.rule = ${FAILED_OVER} AND alert.subject_type = 'container' AND alert.closed_at IS NULL
			AND (container.status = 'deleted' OR container.ha_node_id IS NULL
				OR (standby.status = 'online' AND guard.state = 'started' AND guard.seen_at >= last.at
					AND (NOT guard.replicated OR guard.copied_at >= last.at)))`;
	for (const { id } of whole)
		await transaction((tx) =>
			closeAlert(tx, { rule: FAILED_OVER, subjectType: 'container', subjectId: id })
		);
}
