import { MIB } from '#lib/core/bytes.ts';
import { MINUTE, now, SECOND } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { SagaStop, type Step, type StepResult } from '#lib/core/saga.server.ts';
import {
	destroyContainer,
	ensureContainer
} from '#lib/infrastructure/containers/containers.server.ts';
import { odooIn } from '#lib/infrastructure/containers/odooClient.server.ts';
import { ensureHa } from '#lib/infrastructure/ha/ha.server.ts';
import { readTakenVmids } from '#lib/infrastructure/nodes/clients.server.ts';
import { placementRules } from '#lib/infrastructure/placement/placement.server.ts';
import { patience } from '../../containerStep.server.ts';
import { stepMessage } from '../../stepMessages.ts';
import { changeInPlace, giveBackInPlace, placeInPlace } from './tenantMoveInPlace.server.ts';
import { mustBeKeptOut, mustSuit } from './tenantMovePremises.server.ts';
import { reserveForMove } from './tenantMoveRoom.server.ts';
import { destinationOf, isSwitched, rowOf, type MovingRow } from './tenantMoveRow.server.ts';
import { refusalsNow } from './tenantMoveRules.server.ts';
import {
	folderOf,
	sideName,
	type TenantMoveContext,
	type TenantMoveState
} from './tenantMoveState.ts';

/** How long a move waits for room that is being made, before it is turned back. */
const ROOM_MS = 30 * MINUTE;

/** Waits for its time, looks whether anything speaks against it now, and measures what is to be moved. */
export const preflightStep: Step<TenantMoveState> = {
	name: 'preflight',
	async run(context) {
		const row = await rowOf(context);
		const left = row.notBefore
			? Math.ceil((row.notBefore.getTime() - now().getTime()) / SECOND)
			: 0;
		// Looks again within the hour, so that a clock that was moved is noticed.
		if (left > 0)
			return {
				wait: Math.min(Math.max(left, 11), 3600),
				reason: 'not_before',
				message: stepMessage('copy_planned', { until: row.notBefore!.toISOString() })
			};
		const own = { migrationId: row.id, jobId: context.jobId };
		const [against] = await refusalsNow(db, row.tenant, destinationOf(row), own);
		if (against) throw new SagaStop(against, 'MOVE_REFUSED');
		if (context.state.inPlace) {
			await context.write((tx) => began(tx, row.id, null));
			return { message: stepMessage('copy_in_place', {}) };
		}
		const { databaseName } = row.tenant;
		const odoo = await odooIn(row.fromContainerId, context.trace);
		try {
			// What another run left, or somebody did by hand, is not ours to open again.
			const reach = await odoo.reachOf(databaseName);
			if (reach !== 'open')
				throw new SagaStop(`the database ${databaseName} is ${reach}`, 'MOVE_REFUSED');
			await mustBeKeptOut(odoo, row.fromContainerId);
			const { databaseBytes, fileBytes, freeBytes } = await odoo.room(databaseName);
			// Packed it is smaller, its files are not; half of the database is plenty.
			const needed = databaseBytes / 2 + fileBytes;
			if (freeBytes < needed)
				throw new SagaStop(`${mb(freeBytes)} MB free to pack ${mb(needed)} MB`, 'NO_CAPACITY');
			const sizeMb = mb(databaseBytes + fileBytes);
			await context.write((tx) => began(tx, row.id, sizeMb));
			return { message: stepMessage('copy_measured', { megabytes: sizeMb }) };
		} finally {
			await odoo.close();
		}
	},
	/** The place was taken when it was asked for, or by the next step: it is the last that is given back. */
	async undo(context) {
		const row = await rowOf(context);
		if (!row.toContainerId || isSwitched(row)) return;
		if (context.state.inPlace) return giveBackInPlace(context, row);
		const { purpose, createdByJobId } = await db.container.findUniqueOrThrow({
			where: { id: row.toContainerId }
		});
		// A slot is all that was taken of what another run made: the end of this one frees it.
		if (purpose !== 'shared' && createdByJobId !== context.jobId) return;
		await destroyContainer(context, row.toContainerId, { tenantId: row.tenantId });
	}
};

/** Takes the room: what was held when it was asked for, or what there is now. */
export const placeStep: Step<TenantMoveState> = {
	name: 'place',
	async run(context) {
		const row = await rowOf(context);
		if (context.state.roomAskedAt === undefined) await context.save({ roomAskedAt: Date.now() });
		if (context.state.inPlace) {
			if (!(await placeInPlace(context, row))) return roomComes(context);
			return { message: stepMessage('copy_room_held', {}) };
		}
		const rules = await placementRules();
		const taken = await readTakenVmids(context.trace);
		const place = await context.write((tx) =>
			reserveForMove(tx, row, { jobId: context.jobId, rules, taken })
		);
		if ('noRoom' in place) {
			if (!place.noRoom.yields) throw new SagaStop('no room', 'NO_CAPACITY');
			return roomComes(context);
		}
		const node = await db.node.findUniqueOrThrow({ where: { id: place.nodeId } });
		return { message: stepMessage('placed', { node: node.name, vmid: place.vmid }) };
	}
};

/** What was made ahead for others goes to make room. @throws {SagaStop} NO_CAPACITY when that takes too long */
function roomComes({ state }: TenantMoveContext): StepResult {
	if (Date.now() - state.roomAskedAt! > ROOM_MS) throw new SagaStop('no room', 'NO_CAPACITY');
	return { wait: 5, reason: 'NO_CAPACITY', message: stepMessage('copy_room_comes', {}) };
}

/** The new place exists, runs, and has room for what is to come. In place: limits and high availability. */
export const containerStep: Step<TenantMoveState> = {
	name: 'container',
	async run(context) {
		const row = await rowOf(context);
		if (context.state.containerAskedAt === undefined)
			await context.save({ containerAskedAt: Date.now() });
		const wantsHa = row.toIsolation === 'dedicated_ha';
		let progress = context.state.inPlace
			? await changeInPlace(context, row)
			: await ensureContainer(context, row.toContainerId!);
		if (progress.ready && wantsHa) progress = await ensureHa(context, row.toContainerId!);
		const { node, vmid } = progress;
		if (!progress.ready) {
			if (Date.now() - context.state.containerAskedAt! > patience.containerMs)
				throw new AppError('VENDOR_FAILED', {
					params: { vendor: 'proxmox' },
					detail: `the container did not become ready: ${progress.reason}`
				});
			const { wait, reason } = progress;
			return { wait, reason, message: stepMessage(`container_${reason}`, { node, vmid }) };
		}
		if (!context.state.inPlace) {
			await mustSuit(context, row);
			await mustHaveRoom(context, row);
		}
		return { message: stepMessage('container_ready', { node, vmid }) };
	},
	/** After the instance is back where it was: what is on the other side is in nobody's way. */
	undo: clearTarget
};

/** A container of its own goes as a whole, with its place. Of one that others live in, what this run brought there goes. */
async function clearTarget(context: TenantMoveContext): Promise<void> {
	const row = await rowOf(context);
	if (!row.toContainerId || context.state.inPlace || isSwitched(row)) return;
	const { purpose, status } = await db.container.findUniqueOrThrow({
		where: { id: row.toContainerId }
	});
	if (purpose !== 'shared' || status !== 'running' || !context.state.nameIntended) return;
	const { databaseName } = row.tenant;
	const odoo = await odooIn(row.toContainerId, context.trace);
	try {
		await odoo.removeDatabase(sideName(databaseName, context.jobId));
		await odoo.removeDatabase(databaseName);
		await odoo.removeFolder(folderOf(context.jobId));
	} finally {
		await odoo.close();
	}
}

/** @throws {SagaStop} NO_CAPACITY: nothing was touched yet, and waiting makes no room */
async function mustHaveRoom(context: TenantMoveContext, row: MovingRow): Promise<void> {
	const odoo = await odooIn(row.toContainerId!, context.trace);
	try {
		const { freeBytes } = await odoo.room(null);
		const needed = (row.sizeMb ?? 0) * MIB * 1.6;
		if (freeBytes < needed)
			throw new SagaStop(
				`${mb(freeBytes)} MB free where ${mb(needed)} MB are needed`,
				'NO_CAPACITY'
			);
		const { databaseName } = row.tenant;
		// From here on what stands there under the name is this run's own, half-made perhaps.
		if (context.state.nameIntended) return;
		if ((await odoo.reachOf(databaseName)) !== 'absent')
			throw new SagaStop(`a database ${databaseName} is there already`, 'NAME_TAKEN');
		await context.save({ nameIntended: true });
	} finally {
		await odoo.close();
	}
}

async function began(tx: Tx, id: string, sizeMb: number | null): Promise<void> {
	await tx.tenantMigration.update({
		where: { id },
		data: { sizeMb, startedAt: now(), status: 'running' }
	});
}

function mb(bytes: number): number {
	return Math.ceil(bytes / MIB);
}
