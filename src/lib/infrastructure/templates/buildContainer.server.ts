import type { Step } from '#lib/core/saga.server.ts';
import { db } from '#lib/core/db.server.ts';
import {
	ended,
	madeBare,
	MOST_CHANGES,
	ours,
	patiently,
	started,
	startedBare,
	stuck
} from '../containers/bare.server.ts';
import { waitFor } from '../containers/bareState.ts';
import { destroyContainer } from '../containers/containers.server.ts';
import { loadTarget, type Target } from '../containers/guests.server.ts';
import { follow } from '../containers/tasks.server.ts';
import { proxmoxOn } from '../nodes/clients.server.ts';
import type { BuildContext, BuildState } from './buildState.ts';

/** The template and where it is being built. */
export async function buildOf(templateId: string) {
	const template = await db.template.findUniqueOrThrow({ where: { id: templateId } });
	return { template, target: await loadTarget(template.containerId) };
}

async function targetOf(context: BuildContext): Promise<Target> {
	return (await buildOf(context.subjectId)).target;
}

/** A clean Debian under the reserved VMID: unprivileged, with our mark, its address and its limits. */
export const createStep: Step<BuildState> = {
	name: 'create',
	run: (context) =>
		patiently(
			context,
			() => targetOf(context),
			async () => {
				const { template } = await buildOf(context.subjectId);
				const made = { image: template.image!, onboot: false };
				return madeBare(context, () => targetOf(context), made);
			}
		),
	async undo(context) {
		const { containerId } = await db.template.findUniqueOrThrow({
			where: { id: context.subjectId }
		});
		// Nobody lives in a template: the id that leaves is that of nobody.
		await destroyContainer(context, containerId, { tenantId: context.subjectId });
	}
};

/** The container runs, and what is inside reaches the network. */
export const startStep: Step<BuildState> = {
	name: 'start',
	run: (context) =>
		patiently(
			context,
			() => targetOf(context),
			async () => {
				const target = await targetOf(context);
				const result = await startedBare(context, target);
				if (!(result && 'wait' in result)) await noteRunning(context, target);
				return result;
			}
		)
};

/** Before each step inside, because a node may have gone down meanwhile. */
export async function startedAgain(context: BuildContext, target: Target) {
	const wait = await started(context, target);
	if (!wait) await noteRunning(context, target);
	return wait;
}

async function noteRunning(context: BuildContext, { id }: Target): Promise<void> {
	await context.write((tx) =>
		tx.container.updateMany({
			where: { id, status: { not: 'running' } },
			data: { status: 'running' }
		})
	);
}

/** It rests and is a template: nothing runs in it any more, and Proxmox lets it be copied while nobody looks. */
export const convertStep: Step<BuildState> = {
	name: 'convert',
	run: (context) =>
		patiently(
			context,
			() => targetOf(context),
			async () => {
				const target = await targetOf(context);
				const proxmox = await proxmoxOn(target.nodeId, context.trace);
				const { vmid } = target;
				for (let changes = 0; changes < MOST_CHANGES; changes++) {
					const seen = await ours(proxmox, target);
					const { template, net0 = '' } = await proxmox.containerConfig(seen.node, vmid);
					if (template) return { message: { code: 'converted', params: { vmid } } };
					if (seen.lock) await context.sleep(1);
					else if (seen.running) {
						const stop = () => proxmox.shutdown(seen.node, vmid, { timeout: 180 });
						if (!(await ended(context, proxmox, target, stop)))
							return waitFor('task_running', 10, target);
					} else if (/(^|,)gw=/.test(net0)) {
						// Its address goes back to the pool; each copy gets its own.
						const kept = net0.split(',').filter((part) => !/^(ip|gw)=/.test(part));
						await proxmox.setConfig(seen.node, vmid, { net0: [...kept, 'ip=manual'].join(',') });
					} else {
						const upid = await proxmox.toTemplate(seen.node, vmid);
						if (upid && !(await follow(context, proxmox, target.id, upid)))
							return waitFor('task_running', 5, target);
					}
				}
				throw stuck('template');
			}
		)
};
