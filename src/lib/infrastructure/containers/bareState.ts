import { z } from 'zod';
import type { StepWait } from '#lib/core/saga.server.ts';

/** What a run remembers that makes a container from Debian's image. */
export const bareState = z.object({
	/** VMID for which Proxmox was asked to create a container: what is half made there may be ours. */
	askedVmid: z.number().int().optional(),
	/** Since when, in milliseconds, it waits for something that is not there: the node, the container's network. */
	waitingSince: z.number().optional()
});

export type BareState = z.infer<typeof bareState>;

/** Why it waits: its words are in templateWords.ts. */
export type BareWait = 'being_created' | 'node_offline' | 'task_running' | 'booting';

export function waitFor(
	reason: BareWait,
	seconds: number,
	target: { nodeName: string; vmid: number }
): StepWait {
	const params = { node: target.nodeName, vmid: target.vmid };
	return { wait: seconds, reason, message: { code: reason, params } };
}
