import type { StepContext } from '#lib/core/saga.server.ts';
import type { WAITS } from './reasons.ts';

/** What the verbs of a container need of a saga step: its `context` fits. */
export type Run = Pick<
	StepContext<object>,
	'jobId' | 'trace' | 'signal' | 'sleep' | 'write' | 'log'
>;

/**
 * Why a container is not ready yet:
 * `clone_queue` others copy the template first · `task_running` Proxmox still works · `being_made` another run makes this
 * shared container · `node_offline` its node is down and no other has room · `template_offline` the template's node is.
 */
export type ContainerWait = keyof typeof WAITS;

/** Ready, or what the step answers to wait (`detail` is for people who know Proxmox; the reason has a sentence). */
export type ContainerProgress =
	| { ready: true; nodeId: string; node: string; vmid: number; ip: string; detail: string }
	| { ready: false; wait: number; reason: ContainerWait; detail: string };

/** The answer of a container that needs more time; waits over ten seconds free the worker. */
export function waiting(
	reason: ContainerWait,
	wait: number,
	target: { vmid: number; nodeName: string }
): Extract<ContainerProgress, { ready: false }> {
	return { ready: false, wait, reason, detail: `CT ${target.vmid} · ${target.nodeName}` };
}
