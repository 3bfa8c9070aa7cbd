import { lock, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { ClusterResource } from '#lib/integrations/proxmox/types.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { closeDrift, noteDrifts } from '#lib/logs/drifts.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import type { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';
import { tagsOf, TAG } from '../containers/marks.ts';
import { hasDied, noteRunning, recordFailover } from '../ha/failovers.server.ts';
import { goneTo } from '../ha/standby.ts';
import { containerTransition } from '../states.ts';
import { DRIFT_LOCK } from './kinds.ts';

/** What is known of a container that may have gone elsewhere. */
export interface Followed {
	id: string;
	nodeId: string;
	vmid: number;
	hostname: string;
	purpose: ContainerPurpose;
	status: ContainerStatus;
	wantedRunning: boolean;
	/** It was there before us, and bears no tag of ours. */
	adopted: boolean;
	rootVolume: string | null;
	/** The node that takes over when its own dies. */
	haNodeId: string | null;
}

/** What a cluster says of itself, and who of it is at work on something. */
export interface Sight {
	resources: ClusterResource[];
	nodes: { id: string; name: string }[];
	/** Containers that a run or an act holds. */
	held: Set<string>;
	at: Date;
}

/** Something under the VMID of a row of ours that does not look like it: its own configuration tells. */
export interface Doubt {
	row: Followed;
	/** Node that it is on. */
	node: string;
}

/**
 * The rows of containers go where the containers are and say how they are, but not where something else has their VMID.
 * Who was moved leaves an entry in the ledger and in the audit log, who was stopped past us is a difference, who has
 * vanished is an alert. A container on a node that says nothing is unknown: its row stays as it is.
 * @param proven those that are known to be ours, whatever they look like
 * @returns those that would have been followed, if they looked like ours
 */
export async function followGuests(
	tx: Tx,
	rows: Followed[],
	sight: Sight,
	proven: ReadonlySet<string> = new Set()
): Promise<Doubt[]> {
	const doubts: Doubt[] = [];
	const guests = new Map(
		sight.resources.flatMap((one) =>
			one.type === 'lxc' && one.vmid !== undefined ? [[one.vmid, one]] : []
		)
	);
	const online = new Set(
		sight.resources.flatMap(({ type, node, status }) =>
			type === 'node' && node && status === 'online' ? [node] : []
		)
	);
	for (const row of rows) {
		// What a run is still making, or taking down, is that run's.
		if (sight.held.has(row.id) || row.status === 'deleted') continue;
		const guest = guests.get(row.vmid);
		const change = guest && changeOf(row, guest, sight);
		if (change && !looksLikeOurs(row, change.guest) && !proven.has(row.id))
			doubts.push({ row, node: change.guest.node ?? '' });
		else if (change) await followOne(tx, row, change, sight);
		else if (guest) continue;
		else if (online.has(nameOf(sight, row.nodeId))) await noticeMissing(tx, row);
	}
	return doubts;
}

interface Change {
	guest: ClusterResource;
	nodeId: string;
	status: 'running' | 'stopped';
	/** It is on another node, and as it was. */
	isStill: boolean;
}

/** What is otherwise than the row says; null: nothing, or it is not known. */
function changeOf(row: Followed, guest: ClusterResource, sight: Sight): Change | null {
	const { status } = guest;
	if (status !== 'running' && status !== 'stopped') return null;
	const nodeId = sight.nodes.find(({ name }) => name === guest.node)?.id ?? row.nodeId;
	// Proxmox lists a paused container as stopped.
	const isStill = status === row.status || (row.status === 'paused' && status === 'stopped');
	return nodeId === row.nodeId && isStill ? null : { guest, nodeId, status, isStill };
}

/** Its name and our tag, which is all that the answer for the whole cluster shows of whose it is. */
function looksLikeOurs(row: Followed, guest: ClusterResource): boolean {
	if (guest.name !== row.hostname) return false;
	return row.adopted || row.purpose === 'template' || tagsOf(guest.tags).includes(TAG);
}

function nameOf({ nodes }: Sight, nodeId: string): string {
	return nodes.find(({ id }) => id === nodeId)?.name ?? '';
}

async function followOne(
	tx: Tx,
	row: Followed,
	{ guest, nodeId, status, isStill }: Change,
	sight: Sight
): Promise<void> {
	// Before the row, as who compares everything takes the two.
	await lock(tx, DRIFT_LOCK);
	const { count } = await tx.container.updateMany({
		where: { id: row.id, status: row.status, nodeId: row.nodeId },
		data: {
			...goneTo(row, nodeId),
			...(!isStill && { status: containerTransition(row.status, status) })
		}
	});
	if (count === 0) return;
	if (nodeId !== row.nodeId) await recordMove(tx, row, { ...guest, id: nodeId }, sight);
	else if (status === 'running' && row.haNodeId) await noteRunning(tx, row.id, sight.at);
	if (row.status === 'error')
		await closeAlert(tx, { rule: 'infrastructure.container-missing', ...subject(row) });
	if (status === 'running')
		await closeDrift(tx, { kind: 'infrastructure.stopped', ...subject(row) }, 'gone');
	else if (!isStill && row.wantedRunning)
		await noteDrifts(
			tx,
			[
				{
					...{ kind: 'infrastructure.stopped', ...subject(row), cause: 'stopped-elsewhere' },
					...{ ours: { status: 'running' }, theirs: { status: 'stopped' } }
				}
			],
			sight.at
		);
	await publish(tx, ['staff:containers', 'staff:drifts'], row.id);
}

/** It is where it is: nothing is left to repair, but somebody may want to know. */
async function recordMove(
	tx: Tx,
	row: Followed,
	to: { id: string; node?: string | undefined; status?: string | undefined },
	sight: Sight
): Promise<void> {
	const { at } = sight;
	const nodes = { from: nameOf(sight, row.nodeId), to: to.node ?? '' };
	const isFailover = row.haNodeId === to.id && (await leftADeadNode(tx, row, sight));
	const moved = {
		...{ kind: 'infrastructure.moved', ...subject(row) },
		cause: isFailover ? 'failover' : 'moved-elsewhere',
		...{ ours: { node: nodes.from }, theirs: { node: nodes.to } }
	};
	await noteDrifts(tx, [moved], at);
	await closeDrift(tx, moved, 'repaired');
	await audit(tx, {
		actor: SYSTEM,
		action: isFailover ? 'infrastructure.fail-over' : 'infrastructure.follow-container',
		subject: { type: 'container', id: row.id },
		before: { node: nodes.from },
		after: { node: nodes.to, vmid: row.vmid }
	});
	if (!isFailover) return;
	const isRunning = to.status === 'running';
	await recordFailover(tx, { ...row, ...nodes, toNodeId: to.id, isRunning, at });
}

function leftADeadNode(tx: Tx, row: Followed, sight: Sight): Promise<boolean> {
	const name = nameOf(sight, row.nodeId);
	const node = sight.resources.find((one) => one.type === 'node' && one.node === name);
	const isOnline = node?.status === 'online';
	return hasDied(tx, row, { isOnline, uptime: node?.uptime, at: sight.at });
}

async function noticeMissing(tx: Tx, row: Followed): Promise<void> {
	if (row.status === 'error') return;
	const { count } = await tx.container.updateMany({
		where: { id: row.id, status: row.status },
		data: { status: containerTransition(row.status, 'error') }
	});
	if (count === 0) return;
	await openAlert(tx, {
		...{ rule: 'infrastructure.container-missing', ...subject(row) },
		severity: 'critical',
		data: { vmid: row.vmid, hostname: row.hostname }
	});
	await publish(tx, 'staff:containers', row.id);
}

function subject({ id }: Followed) {
	return { subjectType: 'container', subjectId: id };
}
