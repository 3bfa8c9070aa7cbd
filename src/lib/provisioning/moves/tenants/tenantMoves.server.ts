import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { retrySaga, startSaga, wakeSaga } from '#lib/core/saga.server.ts';
import {
	placementRules,
	releaseContainer
} from '#lib/infrastructure/placement/placement.server.ts';
import { capacityAppeared } from '#lib/infrastructure/nodes/waiters.server.ts';
import type { Isolation, Prisma, TenantMigration } from '#prisma/generated/client.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { announce } from '../../tenantState.server.ts';
import { againstMove } from '../migrationWords.ts';
import { moveFits } from './moveFits.server.ts';
import { tenantMoveSaga } from './tenantMove.server.ts';
import { beginCleanup } from './tenantMoveKept.server.ts';
import { holdInPlace, letGoInPlace } from './tenantMoveInPlace.server.ts';
import { tellCalledOff } from '../containers/moveNotices.server.ts';
import { tellPlanned } from './tenantMoveNotices.server.ts';
import { handOver, reserveForMove } from './tenantMoveRoom.server.ts';
import { destinationOf, isSwitched, rowIn, type MovingRow } from './tenantMoveRow.server.ts';
import type { TenantMoveRefusal } from './tenantMoveWords.ts';

/** Where an instance is to go. */
export interface TenantMoveRequest {
	tenantId: string;
	toIsolation: Isolation;
	/** The plan that it is moved for: its limits are what the new place has. Absent: the plan that it has. */
	planId?: string | null;
	/** Absent: wherever placement finds room. */
	clusterId?: string | null;
	nodeId?: string | null;
	/** Nothing begins before. */
	notBefore?: Date | null;
	/** In the words of who asked. */
	reason?: string | null;
}

/**
 * Holds the room for a move that may be asked for next, once it is paid: nothing begins. `askForTenantMove` with the same
 * isolation and plan goes on with it, `cancelTenantMove` gives the room back, and so does the sweep when nobody asked within
 * the hour and the subscription has another plan. Holding what is held already answers the same row.
 * @throws {AppError} MOVE_REFUSED, NOT_FOUND
 */
export async function holdTenantMove(
	tx: Tx,
	request: TenantMoveRequest,
	by: Actor
): Promise<TenantMigration> {
	await lock(tx, lockOf(request.tenantId));
	return (await held(tx, request)) ?? (await plan(tx, request, by, { promiseOnly: true }));
}

/**
 * Starts moving an instance by its database, or in place between dedicated and dedicated_ha: its room is taken and its run
 * begins with this transaction.
 * @throws {AppError} MOVE_REFUSED with `params.reason` (a sentence) and `detail` (its code), NOT_FOUND, ALREADY_RUNNING
 */
export async function askForTenantMove(
	tx: Tx,
	request: TenantMoveRequest,
	by: Actor
): Promise<TenantMigration> {
	await lock(tx, lockOf(request.tenantId));
	const planned =
		(await held(tx, request)) ?? (await plan(tx, request, by, { promiseOnly: false }));
	const row = await rowIn(tx, planned.id);
	const notBefore = request.notBefore === undefined ? row.notBefore : request.notBefore;
	const jobId = await startSaga(tx, tenantMoveSaga, {
		subjectId: row.tenantId,
		customerId: row.customerId,
		state: { migrationId: row.id, inPlace: isInPlaceRow(row) }
	});
	await handOver(tx, row, jobId);
	const begun = await tx.tenantMigration.update({
		where: { id: row.id },
		data: { jobId, notBefore, ...(notBefore ? {} : { status: 'running' as const }) }
	});
	await audit(tx, {
		actor: by,
		action: 'tenants.move',
		subject: { type: 'tenant', id: row.tenantId },
		customerId: row.customerId,
		before: { isolation: row.fromIsolation },
		after: {
			...{ isolation: row.toIsolation, plan_id: row.planId, reason: row.reason },
			...(notBefore && { not_before: notBefore.toISOString() })
		}
	});
	if (notBefore && notBefore > now()) await tellPlanned(tx, { ...row, notBefore });
	await announce(tx, row.tenant);
	return begun;
}

/**
 * Begins one whose time has not come: its customer was told of another, so that staff answer for it.
 * @throws {AppError} NOT_FOUND, WRONG_STATE when it does not wait for its time
 */
export async function beginTenantMove(tx: Tx, id: string, by: Actor): Promise<TenantMigration> {
	const row = await locked(tx, id);
	if (row.status !== 'planned' || !row.jobId || !row.notBefore)
		throw wrongState(row.status, 'running');
	await note(tx, row, by, 'tenants.move-begin');
	await wakeSaga(tx, row.jobId);
	return tx.tenantMigration.update({ where: { id }, data: { notBefore: null } });
}

/** The old one may go now. Saying it twice does nothing. @throws {AppError} NOT_FOUND, WRONG_STATE unless it waits for that */
export async function confirmTenantMove(tx: Tx, id: string, by: Actor): Promise<TenantMigration> {
	const row = await locked(tx, id);
	if (row.status === 'succeeded') return row;
	if (row.status !== 'confirming') throw wrongState(row.status, 'succeeded');
	if (row.confirmedAt) return row;
	const confirmed = await tx.tenantMigration.update({
		where: { id },
		data: { confirmedAt: now(), confirmedBy: by.label }
	});
	await beginCleanup(tx, row);
	await note(tx, row, by, 'tenants.move-confirm');
	return confirmed;
}

/**
 * Goes on where one failed after the switch, tries again to remove what it left, or begins one that was turned back or
 * cancelled anew (another row, to where it was asked to go).
 * @throws {AppError} NOT_FOUND, WRONG_STATE, MOVE_REFUSED
 */
export async function retryTenantMove(tx: Tx, id: string, by: Actor): Promise<TenantMigration> {
	const row = await locked(tx, id);
	if (row.status === 'rolled_back' || row.status === 'cancelled') {
		const { tenantId, planId, reason } = row;
		return askForTenantMove(tx, { ...destinationOf(row), tenantId, planId, reason }, by);
	}
	if (row.status === 'failed' && row.jobId) {
		await retrySaga(tx, row.jobId);
		await note(tx, row, by, 'tenants.move-retry');
		return tx.tenantMigration.update({ where: { id }, data: { status: 'running', error: null } });
	}
	if (row.status !== 'confirming' || !row.error) throw wrongState(row.status, 'running');
	await beginCleanup(tx, row);
	await note(tx, row, by, 'tenants.move-retry');
	return tx.tenantMigration.update({ where: { id }, data: { error: null } });
}

/** Turns back one that has not switched yet. @throws {AppError} NOT_FOUND, WRONG_STATE once it has */
export async function cancelTenantMove(tx: Tx, id: string, by: Actor): Promise<TenantMigration> {
	const row = await locked(tx, id);
	if (row.status !== 'planned' && row.status !== 'running')
		throw wrongState(row.status, 'cancelled');
	await note(tx, row, by, 'tenants.move-cancel');
	if (!row.jobId) return letGo(tx, row);
	// What becomes of a plan is said by who applies plans.
	if (row.status === 'planned' && !row.planId) await tellCalledOff(tx, [row]);
	// Its switch is a writing of this run: whoever holds the run's row first decides.
	const { count } = await tx.provisioningJob.updateMany({
		where: { id: row.jobId, status: { in: ['queued', 'running', 'waiting'] } },
		data: { status: 'compensating', reason: 'cancelled', claim: { increment: 1 } }
	});
	if (count === 0 || isSwitched(await rowIn(tx, id))) throw wrongState('running', 'cancelled');
	// A step that waits counts as not begun, and what was reserved with the asking is the first one's to give back.
	await tx.provisioningStep.updateMany({
		where: {
			...{ jobId: row.jobId, status: 'pending' },
			OR: [{ startedAt: { not: null } }, { position: 0 }]
		},
		data: { status: 'running' }
	});
	await wakeSaga(tx, row.jobId);
	return row;
}

/** What was only held goes at once: nothing of it is in Proxmox. */
async function letGo(tx: Tx, row: MovingRow): Promise<TenantMigration> {
	const given = await tx.tenantMigration.update({
		where: { id: row.id },
		data: { status: 'cancelled', finishedAt: now() }
	});
	const { toContainerId, fromContainerId } = row;
	if (isInPlaceRow(row)) await letGoInPlace(tx, row);
	const ours = toContainerId
		? await tx.container.findFirst({
				where: { id: toContainerId, createdByJobId: row.id, status: 'provisioning' }
			})
		: null;
	if (ours && toContainerId !== fromContainerId) await releaseContainer(tx, ours.id);
	await capacityAppeared(tx);
	await announce(tx, row.tenant);
	return given;
}

/** The room that is held for such a move and that no run has yet. */
function held(tx: Tx, request: TenantMoveRequest): Promise<TenantMigration | null> {
	const { tenantId, toIsolation, planId = null, clusterId = null, nodeId = null } = request;
	return tx.tenantMigration.findFirst({
		where: {
			...{ tenantId, toIsolation, planId, askedClusterId: clusterId, askedNodeId: nodeId },
			// What its container's move has planned is that move's own.
			...{ status: 'planned', jobId: null, containerMoveId: null }
		}
	});
}

/** Looks, refuses, and takes the room. */
async function plan(
	tx: Tx,
	request: TenantMoveRequest,
	by: Actor,
	{ promiseOnly }: { promiseOnly: boolean }
): Promise<MovingRow> {
	const { tenantId, toIsolation, planId = null, clusterId = null, nodeId = null } = request;
	const tenant = await tx.tenant.findUnique({ where: { id: tenantId } });
	if (!tenant) throw new AppError('NOT_FOUND');
	const wanted = await tx.plan.findUniqueOrThrow({ where: { id: planId ?? tenant.planId } });
	const target = { ...wanted, isolation: toIsolation };
	const fit = await moveFits(tx, tenant, target, { clusterId, nodeId });
	const [against] = fit.reasons;
	if (against) throw refused(against);
	const data: Prisma.TenantMigrationUncheckedCreateInput = {
		...{ tenantId, customerId: tenant.customerId, fromContainerId: tenant.containerId! },
		...{ fromIsolation: tenant.isolation, toIsolation, planId, expectedMs: fit.expectedMs },
		...{ askedClusterId: clusterId, askedNodeId: nodeId },
		...{ notBefore: request.notBefore ?? null, reason: request.reason ?? null },
		...{ byId: by.id, byLabel: by.label },
		...(fit.inPlace && { toContainerId: tenant.containerId })
	};
	const { id } = await tx.tenantMigration.create({ data });
	const row = await rowIn(tx, id);
	if (fit.inPlace) {
		if ((await holdInPlace(tx, row)) === 'no_room') throw refused('no_room');
	} else {
		const rules = await placementRules();
		const room = { jobId: id, rules, taken: new Map(), promiseOnly };
		const place = await reserveForMove(tx, row, room);
		// What was made ahead for others is going: the run waits for the room.
		if ('noRoom' in place && !place.noRoom.yields) throw refused('no_room');
	}
	return rowIn(tx, id);
}

function isInPlaceRow({ fromContainerId, toContainerId }: MovingRow): boolean {
	return fromContainerId === toContainerId;
}

/** @throws {AppError} NOT_FOUND: there is none, or it goes with its container */
async function locked(tx: Tx, id: string): Promise<MovingRow> {
	const found = await tx.tenantMigration.findFirst({ where: { id, containerMoveId: null } });
	if (!found) throw new AppError('NOT_FOUND');
	await lock(tx, lockOf(found.tenantId));
	return rowIn(tx, id);
}

function lockOf(tenantId: string): string {
	return `provisioning.tenant-move:${tenantId}`;
}

async function note(tx: Tx, row: MovingRow, by: Actor, action: string): Promise<void> {
	await audit(tx, {
		actor: by,
		action,
		subject: { type: 'tenant', id: row.tenantId },
		customerId: row.customerId,
		after: { migration_id: row.id, isolation: row.toIsolation }
	});
	await announce(tx, row.tenant);
}

function refused(reason: TenantMoveRefusal): AppError {
	return new AppError('MOVE_REFUSED', {
		params: { reason: againstMove(reason) },
		detail: reason
	});
}

function wrongState(from: string, to: string): AppError {
	return new AppError('WRONG_STATE', { params: { from, to } });
}
