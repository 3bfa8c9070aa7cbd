import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineSaga, type SagaRun, type Step } from '#lib/core/saga.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { closeCalls } from '#lib/logs/calls.server.ts';
import { containerTransition } from '../states.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import { convertStep, createStep, startStep } from './buildContainer.server.ts';
import { buildState, type BuildState } from './buildState.ts';
import { SETUP_VERSION } from './setupScript.server.ts';
import { setupStep } from './setupStep.server.ts';
import { SETUP_STEPS } from './setupSteps.ts';
import { useForNew } from './currentTemplate.server.ts';

/** From here on it is there for copying; where none is current yet, it becomes that. */
const registerStep: Step<BuildState> = {
	name: 'register',
	run: (context) =>
		context.write(async (tx) => {
			await lock(tx, PLACEMENT_LOCK);
			const template = await tx.template.findUniqueOrThrow({
				where: { id: context.subjectId },
				include: { container: true }
			});
			if (template.status === 'ready') return;
			await tx.ipAddress.deleteMany({ where: { containerId: template.containerId } });
			await tx.container.update({
				where: { id: template.containerId },
				data: {
					status: containerTransition(template.container.status, 'stopped'),
					odooVersion: template.odooVersion,
					ipAddress: null,
					taskUpid: null
				}
			});
			await tx.template.update({
				where: { id: template.id },
				data: { status: 'ready', readyAt: now(), scriptVersion: SETUP_VERSION, error: null }
			});
			await audit(tx, {
				actor: SYSTEM,
				action: 'infrastructure.template-ready',
				subject: { type: 'template', id: template.id },
				after: { vmid: template.container.vmid, odooVersion: template.odooVersion }
			});
			const current = await tx.template.count({
				where: { clusterId: template.clusterId, current: true }
			});
			if (current === 0 && template.kind === 'all_in_one') await useForNew(tx, template.id);
			await tellOf(tx, template.id);
		})
};

async function tellOf(tx: Tx, templateId: string): Promise<void> {
	await publish(tx, 'staff:templates', templateId);
	await publish(tx, 'staff:containers', templateId);
}

/** From a clean Debian 12 to a template that tenants are copied from; see docs/decisions/029. */
export const buildTemplateSaga = defineSaga<BuildState>({
	name: 'templates.build',
	topic: 'template',
	state: buildState,
	waits: ['waitingSince'],
	steps: [createStep, startStep, ...SETUP_STEPS.map(setupStep), convertStep, registerStep],
	// It stays as it failed until staff try again or give it up: whoever reads the log may mend the sources meanwhile.
	retryWindow: async () => null,

	async onRunning(tx, run) {
		await tx.template.updateMany({
			where: { id: run.subjectId, status: 'failed' },
			data: { status: 'building', error: null }
		});
		await tellOf(tx, run.subjectId);
	},
	async onFailed(tx, run, { message }) {
		await tx.template.update({
			where: { id: run.subjectId },
			data: { status: 'failed', error: message }
		});
		await tellOf(tx, run.subjectId);
	},
	onUndoFailed: noteUndo,
	async onCompensated(tx, run) {
		await closeCalls(tx, run.jobId);
		const { container, error } = await tx.template.findUniqueOrThrow({
			where: { id: run.subjectId },
			include: { container: { select: { status: true } } }
		});
		// What could not be taken away is still there, and says why.
		const gone = container.status === 'deleted';
		await tx.template.update({
			where: { id: run.subjectId },
			data: gone
				? { status: 'deleted', deletedAt: now() }
				: { status: 'retired', retiredAt: now(), error }
		});
		await tellOf(tx, run.subjectId);
	},
	onSucceeded: (tx, run) => closeCalls(tx, run.jobId)
});

async function noteUndo(
	tx: Tx,
	run: SagaRun<BuildState>,
	{ message }: { message: string }
): Promise<void> {
	await tx.template.update({ where: { id: run.subjectId }, data: { error: message } });
}
