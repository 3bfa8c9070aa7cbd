import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import { endTurn } from '../containers/cloneQueue.server.ts';
import { capacityAppeared } from '../nodes/waiters.server.ts';
import {
	judge,
	judgeShared,
	type Candidate,
	type Resources,
	type SharedVerdict,
	type Verdict,
	type Wanted
} from './placement.ts';
import { clusterRooms, type ClusterRoom, type TakenVmids } from './rooms.server.ts';
import { containerTransition } from '../states.ts';
import { candidates, GONE_TENANTS, sharedCandidates } from './world.server.ts';

/** Settings that decide where things go. Read before the transaction: `await placementRules()`. */
export interface PlacementRules {
	/** Limits of a new shared container. */
	sharedContainer: Resources;
	tenantsPerSharedContainer: number;
}

export async function placementRules(): Promise<PlacementRules> {
	return {
		sharedContainer: await setting('provisioning.shared_container'),
		tenantsPerSharedContainer: await setting('provisioning.tenants_per_shared_container')
	};
}

/** Why a tenant would go where, or why it can go nowhere. */
export interface Explanation {
	isolation: Isolation;
	/** What a node must have room for: the plan's limits, or those of a new shared container. */
	wanted: Resources;
	fits: boolean;
	/** Shared isolation alone: a slot in one of these is taken before a new container is made. */
	shared: SharedVerdict[];
	nodes: Verdict[];
}

const NOTHING_TAKEN: TakenVmids = new Map();

/** What a placement would find now; takes nothing and locks nothing. */
export async function explainCapacity(
	tx: Tx,
	wanted: Wanted,
	rules: PlacementRules
): Promise<Explanation> {
	return explain(tx, wanted, rules, await clusterRooms(tx, NOTHING_TAKEN));
}

async function explain(
	tx: Tx,
	wanted: Wanted,
	rules: PlacementRules,
	rooms: ReadonlyMap<string, ClusterRoom>
): Promise<Explanation> {
	const isShared = wanted.isolation === 'shared';
	const container: Wanted = isShared ? { ...wanted, ...rules.sharedContainer } : wanted;
	const shared = isShared ? judgeShared(await sharedCandidates(tx), wanted) : [];
	const nodes = judge(await candidates(tx, rooms), container);
	return {
		isolation: wanted.isolation,
		wanted: {
			cpuCores: container.cpuCores,
			ramMb: container.ramMb,
			diskGb: container.diskGb
		},
		fits: shared[0]?.fits === true || nodes[0]?.fits === true,
		shared,
		nodes
	};
}

export interface PlaceRequest extends Wanted {
	tenantId: string;
	/** Saga run that a new container belongs to. */
	jobId: string;
	/** Host name of a dedicated container. */
	hostname: string;
	rules: PlacementRules;
	/** From `readTakenVmids`, asked before the transaction. */
	taken: TakenVmids;
}

export interface Place {
	containerId: string;
	clusterId: string;
	nodeId: string;
	vmid: number;
	ip: string;
	/** The container was there already, or is being made by another run: only a slot was taken. */
	slotOnly: boolean;
}

/**
 * Takes the place of one tenant: a slot in a shared container, or a new container's row, which is the capacity
 * reservation until Proxmox has it. Asking again for a tenant that has its container answers the same.
 * The caller stores `containerId` on its tenant in the same transaction: that is what takes the slot.
 * @returns the place, or why there is none; then nothing was taken
 */
export async function reserveContainer(
	tx: Tx,
	request: PlaceRequest
): Promise<Place | { noRoom: Explanation }> {
	await lock(tx, PLACEMENT_LOCK);
	const placed = await placeOf(tx, request);
	if (placed) return placed;
	const rooms = await clusterRooms(tx, request.taken);
	const explanation = await explain(tx, request, request.rules, rooms);
	const slot = explanation.shared[0];
	if (slot?.fits) {
		const { containerId } = slot.candidate;
		return placeFrom(await containerWithAddress(tx, containerId), true);
	}
	const best = explanation.nodes[0];
	if (!best?.fits) return { noRoom: explanation };
	const isShared = request.isolation === 'shared';
	const room = rooms.get(best.candidate.clusterId)!;
	const [vmid, lease] = [room.nextVmid(), room.nextAddress()];
	if (vmid === null || lease === null) return { noRoom: explanation };
	const container = await tx.container.create({
		data: {
			...explanation.wanted,
			clusterId: best.candidate.clusterId,
			nodeId: best.candidate.nodeId,
			vmid,
			hostname: isShared ? `erp-shared-${vmid}` : request.hostname,
			purpose: isShared ? 'shared' : 'odoo',
			odooVersion: room.odooVersion,
			ipAddress: lease.address,
			slots: isShared ? request.rules.tenantsPerSharedContainer : 1,
			createdByJobId: request.jobId,
			address: { create: lease }
		}
	});
	return placeFrom({ ...container, ipAddress: lease.address }, false);
}

/** Everything that changes what is promised takes this lock first, so that nothing is promised twice. */
export const PLACEMENT_LOCK = 'infrastructure.placement';

/**
 * Gives up a container's row, its address and its promise, once nothing of it is left in Proxmox, and wakes who waits for
 * room. A shared container that works stays: it is free for the next tenant. An adopted one stays as well, since we did not
 * make it. Does nothing the second time.
 * @throws {AppError} WRONG_STATE while a tenant besides the leaving one is in it
 */
export async function releaseContainer(
	tx: Tx,
	containerId: string,
	leaving?: { tenantId: string }
): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const row = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	if (row.status === 'deleted') return;
	const works =
		row.adopted || (row.purpose === 'shared' && row.status !== 'provisioning' && !row.retiring);
	if (!works) {
		if ((await othersIn(tx, containerId, leaving?.tenantId)) > 0) {
			throw new AppError('WRONG_STATE', { params: { from: 'occupied', to: 'deleted' } });
		}
		await tx.ipAddress.deleteMany({ where: { containerId } });
		await endTurn(tx, containerId);
		await tx.container.update({
			where: { id: containerId },
			data: { status: containerTransition(row.status, 'deleted'), deletedAt: now() }
		});
		await publish(tx, 'staff:containers', containerId);
	}
	await capacityAppeared(tx);
}

/** Tenants in a container besides one, deleted and refunded ones aside. */
export function othersIn(tx: Tx, containerId: string, tenantId?: string): Promise<number> {
	return tx.tenant.count({
		where: {
			containerId,
			status: { notIn: [...GONE_TENANTS] },
			...(tenantId ? { id: { not: tenantId } } : {})
		}
	});
}

/**
 * Another VMID for a container whose own turned out to be somebody else's in Proxmox.
 * @throws {AppError} NO_CAPACITY when the range is used up
 */
export async function anotherVmid(tx: Tx, containerId: string, taken: TakenVmids): Promise<number> {
	await lock(tx, PLACEMENT_LOCK);
	const container = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	const room = (await clusterRooms(tx, taken)).get(container.clusterId);
	const vmid = room?.nextVmid(container.vmid) ?? null;
	if (vmid === null) throw new AppError('NO_CAPACITY', { detail: 'the VMID range is used up' });
	await tx.container.update({ where: { id: containerId }, data: { vmid, taskUpid: null } });
	return vmid;
}

/**
 * Moves a reservation of which Proxmox has nothing yet to another node of its cluster, because its own is down.
 * @returns the name of the node, or null when no other has room
 */
export async function moveReservation(tx: Tx, containerId: string): Promise<string | null> {
	await lock(tx, PLACEMENT_LOCK);
	const container = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	// Its VMID and address stay its own wherever it goes.
	const others = (await candidates(tx, new Map()))
		.filter(({ nodeId }) => nodeId !== container.nodeId)
		.map((candidate): Candidate => ({
			...candidate,
			freeAddresses: 1,
			freeVmids: 1,
			hasTemplate: true
		}));
	const { cpuCores, ramMb, diskGb, clusterId } = container;
	const [best] = judge(others, { isolation: 'dedicated', cpuCores, ramMb, diskGb, clusterId });
	if (!best?.fits) return null;
	await tx.container.update({
		where: { id: containerId },
		data: { nodeId: best.candidate.nodeId, taskUpid: null }
	});
	return best.candidate.name;
}

/** The place that a tenant, or a run that was interrupted after reserving, has already. */
async function placeOf(tx: Tx, { tenantId, jobId }: PlaceRequest): Promise<Place | null> {
	const tenant = await tx.tenant.findUnique({
		where: { id: tenantId },
		select: { container: true }
	});
	const row = tenant?.container;
	if (!row || row.status === 'deleted' || row.retiring) return null;
	return placeFrom(row, row.createdByJobId !== jobId);
}

function containerWithAddress(tx: Tx, containerId: string) {
	return tx.container.findUniqueOrThrow({ where: { id: containerId } });
}

function placeFrom(
	row: { id: string; clusterId: string; nodeId: string; vmid: number; ipAddress: string | null },
	slotOnly: boolean
): Place {
	if (!row.ipAddress) throw new Error(`container ${row.id} has no address`);
	return {
		containerId: row.id,
		clusterId: row.clusterId,
		nodeId: row.nodeId,
		vmid: row.vmid,
		ip: row.ipAddress,
		slotOnly
	};
}
