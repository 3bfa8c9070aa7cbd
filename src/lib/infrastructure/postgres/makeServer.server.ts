import { z } from 'zod';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineSaga, type Step, type StepContext } from '#lib/core/saga.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { closeCalls } from '#lib/logs/calls.server.ts';
import { madeBare, patiently, started, startedBare } from '../containers/bare.server.ts';
import { bareState } from '../containers/bareState.ts';
import { destroyContainer } from '../containers/containers.server.ts';
import { loadTarget } from '../containers/guests.server.ts';
import { runSetup } from '../containers/setupRun.server.ts';
import { capacityAppeared } from '../nodes/waiters.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import { containerTransition } from '../states.ts';
import { serverOptions } from './attach.server.ts';

const serverState = bareState.extend({
	/** Proxmox's volume id of Debian's image. */
	image: z.string()
});
type ServerState = z.output<typeof serverState>;

function targetOf({ subjectId }: StepContext<ServerState>) {
	return () => loadTarget(subjectId);
}

/** A clean Debian under the reserved VMID. */
const createStep: Step<ServerState> = {
	name: 'create',
	run: (context) => {
		const made = { image: context.state.image, onboot: true };
		return patiently(context, targetOf(context), () => madeBare(context, targetOf(context), made));
	},
	async undo(context) {
		// Nobody lives in it: the id that leaves is that of nobody.
		await destroyContainer(context, context.subjectId, { tenantId: context.subjectId });
	}
};

const startStep: Step<ServerState> = {
	name: 'start',
	run: (context) =>
		patiently(context, targetOf(context), async () =>
			startedBare(context, await loadTarget(context.subjectId))
		)
};

/** One step of setup_odoo_lxc, as in a template: with `--kind postgres` it leaves PostgreSQL and nothing else. */
function setupStep(name: 'base' | 'locale' | 'postgresql' | 'verify'): Step<ServerState> {
	return {
		name,
		// A mirror may be away for a moment.
		attempts: 3,
		run: (context) =>
			patiently(context, targetOf(context), async () => {
				const target = await loadTarget(context.subjectId);
				const wait = await started(context, target);
				if (wait) return wait;
				const shared = await sshOn(target.nodeId);
				try {
					await runSetup(context, shared.client, {
						...{ vmid: target.vmid, step: name, options: await serverOptions(target.clusterId) },
						topic: `container:${target.id}`
					});
				} finally {
					shared.release();
				}
			})
	};
}

/** From here on Odoo's containers are attached to it; whoever waits for that looks again. */
const registerStep: Step<ServerState> = {
	name: 'register',
	run: (context) =>
		context.write(async (tx) => {
			await lock(tx, PLACEMENT_LOCK);
			const { id, status, vmid, ramMb } = await tx.container.findUniqueOrThrow({
				where: { id: context.subjectId }
			});
			if (status === 'running') return;
			await tx.container.update({
				where: { id },
				data: {
					status: containerTransition(status, 'running'),
					...{ taskUpid: null, startedRamMb: ramMb }
				}
			});
			await audit(tx, {
				actor: SYSTEM,
				action: 'infrastructure.database-server-ready',
				subject: { type: 'container', id },
				after: { vmid }
			});
		})
};

/** From a clean Debian 12 to a PostgreSQL that has the databases of others; see docs/decisions/035. */
export const makeServerSaga = defineSaga<ServerState>({
	name: 'containers.make-postgres',
	topic: 'container',
	state: serverState,
	waits: ['waitingSince'],
	steps: [
		createStep,
		startStep,
		setupStep('base'),
		setupStep('locale'),
		setupStep('postgresql'),
		setupStep('verify'),
		registerStep
	],
	// It stays as it failed until staff try again or give it up.
	retryWindow: async () => null,
	onFailed: (tx, run) => tell(tx, run.subjectId),
	onRunning: (tx, run) => tell(tx, run.subjectId),
	onStepDone: (tx, run) => tell(tx, run.subjectId),
	async onCompensated(tx, run) {
		await closeCalls(tx, run.jobId);
		await tell(tx, run.subjectId);
	},
	async onSucceeded(tx, run) {
		await closeCalls(tx, run.jobId);
		// Only a run that has succeeded makes it one that others may use.
		await capacityAppeared(tx);
		await tell(tx, run.subjectId);
	}
});

async function tell(tx: Tx, id: string): Promise<void> {
	await publish(tx, 'staff:containers', id);
}
