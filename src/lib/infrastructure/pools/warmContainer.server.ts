import { z } from 'zod';
import { MINUTE, now } from '#lib/core/clock.server.ts';
import { db, lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import {
	defineSaga,
	SagaStop,
	type SagaRun,
	type Step,
	type StepContext,
	type StepResult
} from '#lib/core/saga.server.ts';
import { closeCalls } from '#lib/logs/calls.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { destroyContainer, ensureContainer } from '../containers/containers.server.ts';
import { loadTarget, look } from '../containers/guests.server.ts';
import { waiting } from '../containers/progress.ts';
import { isOurs } from '../containers/reconcile.ts';
import { follow } from '../containers/tasks.server.ts';
import { proxmoxOn } from '../nodes/clients.server.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import { containerTransition } from '../states.ts';
import { destroySoon } from './giveUp.server.ts';
import { poolsChanged } from './poolNotice.server.ts';
import { FAILED } from './poolWorld.server.ts';

const makeState = z.object({
	/** Since when, in milliseconds, it is being made. */
	askedAt: z.number().optional()
});
type MakeState = z.output<typeof makeState>;
type Context = StepContext<MakeState>;

/** How long one may take; tests shorten it. */
export const patience = { containerMs: 120 * MINUTE };
const MOST_LOOKS = 20;
/** Seconds that Odoo has to end by itself. */
const SHUTDOWN = 120;

/** The container exists, has its limits and address, and runs. */
const containerStep: Step<MakeState> = {
	name: 'container',
	async run(context) {
		if (context.state.askedAt === undefined) await context.save({ askedAt: Date.now() });
		return said(context, await ensureContainer(context, context.subjectId));
	},
	async undo(context) {
		// Nobody lives in it: the id that leaves is that of nobody. A shared one that somebody got meanwhile stays.
		await destroyContainer(context, context.subjectId, { tenantId: context.subjectId });
	}
};

function said(context: Context, progress: Awaited<ReturnType<typeof ensureContainer>>): StepResult {
	const { node, vmid } = progress;
	if (progress.ready) return { message: { code: 'container_ready', params: { node, vmid } } };
	const { wait, reason } = progress;
	if (Date.now() - context.state.askedAt! > patience.containerMs)
		throw new AppError('VENDOR_FAILED', {
			params: { vendor: 'proxmox' },
			detail: `the container did not become ready: ${reason}`
		});
	return { wait, reason, message: { code: `container_${reason}`, params: { node, vmid } } };
}

/** Where they are to wait stopped, it is shut down and read back. Shared ones run: whoever gets a slot needs it at once. */
const restStep: Step<MakeState> = {
	name: 'rest',
	async run(context) {
		const target = await loadTarget(context.subjectId);
		if (target.purpose === 'shared' || (await setting('provisioning.warm_running'))) return;
		// Before it stops, so that nobody starts it again.
		await context.write((tx) =>
			tx.container.update({ where: { id: target.id }, data: { wantedRunning: false } })
		);
		const proxmox = await proxmoxOn(target.nodeId, context.trace);
		for (let looks = 0; looks < MOST_LOOKS; looks++) {
			const seen = await look(proxmox, target);
			if (!seen || !isOurs(seen, target.id))
				throw new SagaStop('the container is gone', 'VENDOR_FAILED');
			if (seen.lock) await context.sleep(1);
			else if (seen.running) {
				const options = { timeout: SHUTDOWN, forceStop: true };
				const upid = await proxmox.shutdown(seen.node, target.vmid, options);
				if (!(await follow(context, proxmox, target.id, upid)))
					return said(context, waiting('task_running', 15, target));
			} else {
				await context.write((tx) => stopped(tx, target.id));
				return;
			}
		}
		return said(context, waiting('task_running', 15, target));
	}
};

async function stopped(tx: Tx, id: string): Promise<void> {
	const { status } = await tx.container.findUniqueOrThrow({ where: { id } });
	await tx.container.update({
		where: { id },
		data: { status: containerTransition(status, 'stopped') }
	});
}

/** A container that is made before anybody has asked for it; see docs/decisions/033. */
export const makeWarmSaga = defineSaga<MakeState>({
	name: 'pools.make',
	topic: 'container',
	state: makeState,
	waits: ['askedAt'],
	steps: [containerStep, restStep],
	// Nobody waits for it: it is taken back at once, and the pool says why.
	retryWindow: async () => 0,
	async before(context) {
		const { retiring, status } = await db.container.findUniqueOrThrow({
			where: { id: context.subjectId }
		});
		if (retiring || status === 'deleted') throw new SagaStop('it is no longer wanted');
	},
	async onFailed(tx, run, { message }) {
		await noteOnPool(tx, run, `${FAILED}${message}`.slice(0, 1_000));
	},
	async onCompensated(tx, run) {
		await closeCalls(tx, run.jobId);
		const row = await tx.container.findUniqueOrThrow({ where: { id: run.subjectId } });
		// It could not be taken back; what is left of it is tried until it is gone.
		if (row.status !== 'deleted' && row.warmPlanId) {
			await tx.container.update({ where: { id: row.id }, data: { retiring: true } });
			await destroySoon(tx, row.id);
		}
		await poolsChanged(tx);
	},
	async onSucceeded(tx, run) {
		// Whoever gives it up at this moment sees that nobody makes it any more, or is seen here.
		await lock(tx, PLACEMENT_LOCK);
		await closeCalls(tx, run.jobId);
		const row = await tx.container.findUniqueOrThrow({ where: { id: run.subjectId } });
		if (row.retiring && row.warmPlanId) await destroySoon(tx, row.id);
		else await noteOnPool(tx, run, null);
		await poolsChanged(tx);
	}
});

/** What became of it, on the row of its pool, where staff read it. */
async function noteOnPool(tx: Tx, run: SagaRun<MakeState>, error: string | null): Promise<void> {
	const row = await tx.container.findUniqueOrThrow({ where: { id: run.subjectId } });
	if (!row.warmPlanId) return;
	await tx.warmPool.updateMany({
		where: { nodeId: row.nodeId, planId: row.warmPlanId },
		data: { error, lookedAt: now() }
	});
	await publish(tx, ['staff:containers', 'staff:nodes'], row.id);
}
