import { z } from 'zod';
import type { StepContext, StepWait } from '#lib/core/saga.server.ts';

/** What the run that builds a template remembers. */
export const buildState = z.object({
	/** VMID for which Proxmox was asked to create a container: what is half made there may be ours. */
	askedVmid: z.number().int().optional(),
	/** Since when, in milliseconds, it waits for something that is not there: the node, the container's network. */
	waitingSince: z.number().optional()
});

export type BuildState = z.infer<typeof buildState>;
export type BuildContext = StepContext<BuildState>;

/** Why a build waits: its words are in buildWords.ts. */
export type BuildWait = 'being_created' | 'node_offline' | 'task_running' | 'booting';

export function waitFor(
	reason: BuildWait,
	seconds: number,
	target: { nodeName: string; vmid: number }
): StepWait {
	const params = { node: target.nodeName, vmid: target.vmid };
	return { wait: seconds, reason, message: { code: reason, params } };
}
