import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import { endTurn } from '../containers/cloneQueue.server.ts';
import { capacityAppeared } from '../nodes/waiters.server.ts';
import { openShared, readyWarm, takeWarm, type ReadyWarm } from '../pools/takeWarm.server.ts';
import { yielding, type Yielding } from '../pools/yielding.ts';
import { heldAhead, yieldRoom } from '../pools/yieldRoom.server.ts';
import {
	judge,
	judgeShared,
	type Candidate,
	type Resources,
	type SharedVerdict,
	type Verdict,
	type Wanted
} from './placement.ts';
import { nodesElsewhere, wantedElsewhere } from './elsewhere.ts';
import { nodesWithin, sharedWithin } from './reach.ts';
import { othersIn } from './slots.server.ts';
import { clusterRooms, type TakenVmids } from './rooms.server.ts';
import { containerTransition } from '../states.ts';
import { candidates, readWorld, sharedCandidates, type World } from './world.server.ts';

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
	/** Containers of its own that were made ahead: the first is taken before a new one is made. */
	warm: ReadyWarm[];
	nodes: Verdict[];
	/** No node has room until these, which were made ahead for others, are gone. */
	yields: Yielding | null;
}

/** What a placement would find now; takes nothing and locks nothing. @param world as it was read for other questions */
export async function explainCapacity(
	tx: Tx,
	wanted: Wanted,
	rules: PlacementRules,
	world?: World
): Promise<Explanation> {
	return explain(tx, wanted, rules, world ?? (await readWorld(tx)));
}

async function explain(
	tx: Tx,
	wanted: Wanted,
	rules: PlacementRules,
	{ rooms, nodes: world }: Pick<World, 'rooms' | 'nodes'>
): Promise<Explanation> {
	const isShared = wanted.isolation === 'shared';
	const container: Wanted = isShared ? { ...wanted, ...rules.sharedContainer } : wanted;
	const shared = isShared
		? judgeShared(sharedWithin(await sharedCandidates(tx, rooms), wanted), wanted)
		: [];
	const possible = nodesWithin(world, wanted, rooms);
	const nodes = judge(possible, container, world);
	const within = new Set(
		nodes.flatMap(({ candidate }) => (candidate.status === 'silent' ? [] : [candidate.nodeId]))
	);
	const held = await heldAhead(tx);
	const ready = held.length > 0 ? await readyWarm(tx, wanted) : [];
	const warm = ready.filter(({ nodeId }) => within.has(nodeId));
	const isFull = !(shared[0]?.fits || nodes[0]?.fits || warm.length > 0);
	const yields = isFull ? yielding(held, possible, container) : null;
	return {
		isolation: wanted.isolation,
		wanted: {
			cpuCores: container.cpuCores,
			ramMb: container.ramMb,
			diskGb: container.diskGb
		},
		fits: !isFull || yields !== null,
		...{ shared, warm, nodes, yields }
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
	/** Of a move: the container that it holds already, if any. Absent: the one that the tenant is in. */
	holds?: string | null;
	/** Nothing that was made ahead is taken: a promise that may come to nothing. */
	promiseOnly?: boolean;
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
 * Takes the place of one tenant: a slot in a shared container, one that was made ahead, or a new container's row, which is
 * the capacity reservation until Proxmox has it. Asking again for a tenant that has its container answers the same.
 * The caller stores `containerId` on its tenant, or on its move, in the same transaction: that is what takes the slot.
 * @returns the place, or why there is none; then nothing was taken, but containers made ahead may be going to make room
 */
export async function reserveContainer(
	tx: Tx,
	request: PlaceRequest
): Promise<Place | { noRoom: Explanation }> {
	await lock(tx, PLACEMENT_LOCK);
	const placed = await placeOf(tx, request);
	if (placed) return placed;
	const rooms = await clusterRooms(tx, request.taken);
	const nodes = await candidates(tx, rooms);
	const explanation = await explain(tx, request, request.rules, { rooms, nodes });
	const slot = explanation.shared[0];
	if (slot?.fits) {
		const { containerId } = slot.candidate;
		await openShared(tx, containerId);
		return placeFrom(await containerWithAddress(tx, containerId), true);
	}
	const warm = await takeWarm(tx, request.promiseOnly ? [] : explanation.warm, request);
	if (warm) return placeFrom(warm, false);
	const best = explanation.nodes[0];
	if (!best?.fits) {
		if (explanation.yields) await yieldRoom(tx, explanation.yields);
		return { noRoom: explanation };
	}
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
			postgresContainerId: room.serverFor(best.candidate.nodeId, explanation.wanted),
			ipAddress: lease.address,
			slots: isShared ? request.rules.tenantsPerSharedContainer : 1,
			...standbyOf(best),
			createdByJobId: request.jobId,
			address: { create: lease }
		}
	});
	return placeFrom({ ...container, ipAddress: lease.address }, false);
}

/** The second node of a place that has one, and the storage of both. */
function standbyOf({ partner }: Verdict) {
	if (!partner) return { haNodeId: null, storage: null };
	const { own, storage } = partner.storage;
	return { haNodeId: partner.candidate.nodeId, storage: own ? null : storage };
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
			data: {
				status: containerTransition(row.status, 'deleted'),
				...{ deletedAt: now(), haNodeId: null }
			}
		});
		await publish(tx, 'staff:containers', containerId);
	}
	await capacityAppeared(tx);
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
 * Moves a reservation of which Proxmox has nothing yet to another node of its cluster, because its own is down or out
 * of service. What is made ahead is wanted on its own node alone.
 * @returns the name of the node, or null when no other has room
 */
export async function moveReservation(tx: Tx, containerId: string): Promise<string | null> {
	await lock(tx, PLACEMENT_LOCK);
	const container = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	if (container.warmPlanId) return null;
	// What is promised of it on the node that stands by for it is promised anew.
	await tx.container.update({ where: { id: containerId }, data: { haNodeId: null } });
	const mover = { ...container, haNodeId: null, ownStorage: false };
	const world = await candidates(tx, new Map());
	// Its own node, unless it is down, counts among those that decide who goes on; it is nobody's place and nobody's second.
	const own = world
		.filter(({ nodeId }) => nodeId === container.nodeId)
		.map((node): Candidate => (node.status === 'offline' ? node : { ...node, status: 'unwell' }));
	const nodes = [...nodesElsewhere(world, mover), ...own];
	const isolation = container.haNodeId ? 'dedicated_ha' : 'dedicated';
	const wanted: Wanted = { ...wantedElsewhere(mover), isolation };
	const [best] = judge(nodes, wanted);
	if (!best?.fits) {
		const yields = yielding(await heldAhead(tx), nodes, wanted);
		if (yields) await yieldRoom(tx, yields);
		const { haNodeId } = container;
		await tx.container.update({ where: { id: containerId }, data: { haNodeId } });
		return null;
	}
	await tx.container.update({
		where: { id: containerId },
		data: { nodeId: best.candidate.nodeId, taskUpid: null, ...standbyOf(best) }
	});
	return best.candidate.name;
}

/** The place that a tenant, or a run that was interrupted after reserving, has already. */
async function placeOf(tx: Tx, request: PlaceRequest): Promise<Place | null> {
	const { tenantId, jobId, holds } = request;
	if (holds === null) return null;
	const where = holds ? { id: holds } : { tenants: { some: { id: tenantId } } };
	const row = await tx.container.findFirst({ where });
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
