import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { TaskEnd } from '#lib/integrations/proxmox/tasks.ts';
import type { TaskRow } from '#lib/integrations/proxmox/types.ts';
import { keepTurn } from './cloneQueue.server.ts';
import type { Run } from './progress.ts';

/** Whether a task works on a container now; a terminal that somebody has open holds nothing. */
export function worksOnIt({ type, endtime }: Pick<TaskRow, 'type' | 'endtime'>): boolean {
	return endtime === undefined && /^(vz|ha|resize|move)/.test(type);
}

/** Looks often while a task takes what it usually takes, because others may wait for its end; then as seldom as Proxmox asks for. */
const SLICES = [
	{ timeoutMs: 2_000, pollMs: 100 },
	...Array.from({ length: 3 }, () => ({ timeoutMs: 6_000, pollMs: 200 })),
	...Array.from({ length: 10 }, () => ({ timeoutMs: 5_000, pollMs: 1_000 }))
];

/**
 * Waits for a task of a container and forgets it once it has ended.
 * @returns false when it still runs after a minute: come back later
 * @throws {ProxmoxError} when it ended badly
 */
export async function follow(
	run: Run,
	proxmox: ProxmoxClient,
	containerId: string,
	upid: string
): Promise<boolean> {
	const forget = () =>
		run.write((tx) =>
			tx.container.updateMany({
				where: { id: containerId, taskUpid: upid },
				data: { taskUpid: null }
			})
		);
	for (const slice of SLICES) {
		await keepTurn(db, containerId);
		try {
			const { warnings, exitStatus } = await proxmox.waitTask(upid, {
				...slice,
				signal: run.signal
			});
			if (warnings > 0) await run.log('warning', `${upid} ended with ${exitStatus}`);
			await forget();
			return true;
		} catch (error) {
			if (!(error instanceof ProxmoxError)) throw error;
			if (error.kind === 'task_running') continue;
			await forget();
			throw error;
		}
	}
	return false;
}

/** Waits up to five minutes for a task that nobody else asks about. @throws {ProxmoxError} when it does not end well */
export function taskOf(
	proxmox: ProxmoxClient,
	upid: string,
	signal?: AbortSignal
): Promise<TaskEnd> {
	return proxmox.waitTask(upid, {
		timeoutMs: 300_000,
		pollMs: 250,
		...(signal ? { signal } : {})
	});
}
