import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { SagaStop, type Step } from '#lib/core/saga.server.ts';
import { odooIn } from '#lib/infrastructure/containers/odooClient.server.ts';
import {
	carry,
	ensureRunning,
	type CarryOutcome
} from '#lib/infrastructure/moving/carry.server.ts';
import { obstacleOf } from '#lib/infrastructure/moving/checks.server.ts';
import { arrivedOn } from '#lib/infrastructure/moving/reservation.server.ts';
import { isDown } from '#lib/infrastructure/nodes/clients.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { ContainerMove } from '#prisma/generated/client.ts';
import {
	archiveContainer,
	ArchiveOutOfReach,
	removeArchive
} from '#lib/backups/containerBackups.server.ts';
import { stepMessage } from '../../stepMessages.ts';
import { backOnAir, endAirBreak, takeOffAir } from '../airBreak.server.ts';
import {
	factsOf,
	movePatience,
	waitFor,
	type ContainerMoveState,
	type MoveContext
} from './containerMoveState.server.ts';

type MoveStep = Step<ContainerMoveState>;

/** The run is turned back at once. @param why `code` or `code: words` */
function stop(why: string): SagaStop {
	return new SagaStop(why, 'MOVE_STOPPED');
}

function textOf({ code, words }: { code: string; words?: string | undefined }): string {
	return words ? `${code}: ${words}` : code;
}

/** Both nodes are asked whether anything speaks against it, before anybody notices. */
export const preflightStep: MoveStep = {
	name: 'preflight',
	async run(context) {
		const { container, move, to } = await factsOf(context);
		if (context.state.checkedAt === undefined) await context.save({ checkedAt: Date.now() });
		try {
			const nodes = { fromNodeId: move.fromNodeId, toNodeId: to.id };
			const obstacle = await obstacleOf(context, container, nodes);
			if (!obstacle) return { message: stepMessage('move_checked', { node: to.name }) };
			const isOver = Date.now() - context.state.checkedAt! > movePatience.heldMs;
			if (!obstacle.passes || isOver) throw stop(textOf(obstacle));
			return await waitFor(context, textOf(obstacle), 5);
		} catch (error) {
			if (!isDown(error)) throw error;
			if (Date.now() - context.state.checkedAt! > movePatience.heldMs) throw stop('node_offline');
			return waitFor(context, 'node_offline', 30);
		}
	}
};

/** The whole container as it is now, read back and hashed; without it nothing is moved. */
export const backupStep: MoveStep = {
	name: 'backup',
	async run(context) {
		const { container, move } = await factsOf(context);
		const { jobId, trace, signal } = context;
		const dump = await archiveContainer(
			{
				...{ id: jobId, containerId: container.id, taskUpid: context.state.archiveUpid ?? null },
				keepTask: (upid) => context.save({ archiveUpid: upid })
			},
			trace,
			signal
		).catch((error: unknown) => {
			const failed =
				error instanceof VendorError && 'kind' in error && error.kind === 'task_failed';
			throw failed ? stop(`backup_failed: ${error.message}`) : error;
		});
		if (!dump.done) return waitFor(context, 'task_running: vzdump', dump.wait);
		const { location, sizeBytes, sha256 } = dump.archive;
		// That of an earlier try is older, and nobody would know of it any more.
		if (move.archive && move.archive !== location) await dropEarlier(context, move);
		const hours = await setting('provisioning.move_confirm_hours');
		await context.write((tx) =>
			tx.containerMove.update({
				where: { id: move.id },
				data: {
					...{ archive: location, archiveBytes: sizeBytes, archiveSha256: sha256 },
					archiveNodeId: container.nodeId,
					keepUntil: after(now(), hours * HOUR)
				}
			})
		);
		return { message: stepMessage('move_archived', { location }) };
	}
};

async function dropEarlier(
	context: MoveContext,
	{ archive, archiveNodeId, fromNodeId }: ContainerMove
): Promise<void> {
	try {
		const nodeId = archiveNodeId ?? fromNodeId;
		await removeArchive({ nodeId, location: archive! }, context.trace);
	} catch (error) {
		if (!(error instanceof ArchiveOutOfReach)) throw error;
		await context.log('warning', error.message);
	}
}

/** Visitors see that it is being moved, from here until it answers again. */
export const offAirStep: MoveStep = {
	name: 'offair',
	async run(context) {
		const { tenantIds } = await factsOf(context);
		if (tenantIds.length === 0) return { message: stepMessage('move_nobody', {}) };
		if (context.state.offAirAsked === undefined) await context.save({ offAirAsked: Date.now() });
		const wait = await takeOffAir(context, tenantIds, context.state.offAirAsked!);
		return wait ?? { message: stepMessage('move_off_air', {}) };
	},
	async undo(context) {
		const { tenantIds } = await factsOf(context);
		if (tenantIds.length === 0) return;
		const since = Date.now();
		try {
			for (;;) {
				const wait = await backOnAir(context, tenantIds, since);
				if (!wait) return;
				await context.sleep(wait.wait);
			}
		} catch (error) {
			// What keeps them away is seen by the probes, and is nobody's plan.
			if (error instanceof AppError) await context.write((tx) => endAirBreak(tx, context.jobId));
			throw error;
		}
	}
};

/** By Proxmox's own migration; before it, it is where it was, and after it, where it goes, and at any time there is one. */
export const migrateStep: MoveStep = {
	name: 'migrate',
	async run(context) {
		const { container, to } = await factsOf(context);
		const outcome = await carry({
			...{ run: context, container, target: to, begun: context.state.carriage ?? null },
			keep: (carriage) => context.save({ carriage })
		});
		if (outcome.is === 'failed') throw stop(outcome.why);
		if (outcome.is === 'waiting') return waitFor(context, outcome.why, outcome.seconds);
		await context.write((tx) => arrivedOn(tx, container.id, outcome.nodeId));
		return { message: stepMessage('move_arrived', { node: to.name }) };
	},
	async undo(context) {
		const { container, from } = await factsOf(context);
		for (;;) {
			const outcome = await bringBack(context);
			if (outcome.is === 'there') {
				await context.write((tx) => arrivedOn(tx, container.id, from.id));
				if (await ensureRunning(context, container)) return;
				throw stop('not_running');
			}
			// Only who knows where it is can bring it back.
			if (outcome.is === 'failed' || outcome.why === 'gone') throw stop(outcome.why);
			if (outcome.why === 'node_offline')
				throw new AppError('VENDOR_FAILED', {
					params: { vendor: 'proxmox' },
					detail: 'node_offline: nobody can say where the container is'
				});
			await context.sleep(outcome.seconds);
		}
	}
};

/** What was begun forward and has not ended is waited for first: it holds the container. */
async function bringBack(context: MoveContext): Promise<CarryOutcome> {
	const { container, from } = await factsOf(context);
	// A lock that its dead task left is known by the task that was ours.
	const begun = context.state.wayBack ?? context.state.carriage ?? null;
	return carry({
		...{ run: context, container, target: from, begun },
		keep: (wayBack) => context.save({ wayBack })
	});
}

/** It runs there, and Odoo inside answers with the databases that it had. */
export const startStep: MoveStep = {
	name: 'start',
	async run(context) {
		const { container, to, tenantIds } = await factsOf(context);
		if (!container.wantedRunning) return { message: stepMessage('move_stopped', {}) };
		if (context.state.startedAt === undefined) await context.save({ startedAt: Date.now() });
		try {
			const runs = await ensureRunning(context, container);
			if (runs && (await answers(context, container.id, tenantIds)))
				return { message: stepMessage('move_answers', { node: to.name }) };
		} catch (error) {
			if (!(error instanceof VendorError)) throw error;
			await context.log('warning', error.message);
		}
		if (Date.now() - context.state.startedAt! > movePatience.odooMs) throw stop('odoo_silent');
		return waitFor(context, 'not_yet', 2);
	}
};

async function answers(
	context: MoveContext,
	containerId: string,
	tenantIds: string[]
): Promise<boolean> {
	const tenants = await db.tenant.findMany({
		where: { id: { in: tenantIds } },
		select: { databaseName: true }
	});
	const odoo = await odooIn(containerId, context.trace);
	try {
		if (!(await odoo.healthy())) return false;
		const there = new Set(await odoo.listDatabases());
		return tenants.every(({ databaseName }) => there.has(databaseName));
	} finally {
		await odoo.close();
	}
}
