import type { StepContext } from '#lib/core/saga.server.ts';

/** What the verbs of a container need of a saga step: its `context` fits. */
export type Run = Pick<
	StepContext<object>,
	'jobId' | 'trace' | 'signal' | 'sleep' | 'write' | 'log'
>;

/**
 * Why a container is not ready yet:
 * `clone_queue` others copy the template first · `task_running` Proxmox still works · `being_made` another run makes this
 * shared container · `node_offline` its node is down and no other has room · `node_maintenance` its node is out of
 * service, and no other has room for what is not copied yet · `template_offline` the template's node is down ·
 * `replicating` its disks are sent to its second node · `ha_starting` the HA manager takes it over · `ha_partner` no node
 * can stand by for it · `database_server` the server of its databases is away · `no_quorum` its cluster takes no changes.
 */
export type ContainerWait =
	| 'clone_queue'
	| 'task_running'
	| 'being_made'
	| 'node_offline'
	| 'node_maintenance'
	| 'template_offline'
	| 'replicating'
	| 'ha_starting'
	| 'ha_partner'
	| 'database_server'
	| 'no_quorum';

/** Ready, or why and for how many seconds to wait. */
export type ContainerProgress =
	| { ready: true; nodeId: string; node: string; vmid: number; ip: string }
	| { ready: false; wait: number; reason: ContainerWait; node: string; vmid: number };

/** The answer of a container that needs more time; waits over ten seconds free the worker. */
export function waiting(
	reason: ContainerWait,
	wait: number,
	target: { vmid: number; nodeName: string }
): Extract<ContainerProgress, { ready: false }> {
	return { ready: false, wait, reason, node: target.nodeName, vmid: target.vmid };
}
