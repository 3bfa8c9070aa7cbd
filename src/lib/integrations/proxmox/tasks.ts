import { setTimeout as sleep } from 'node:timers/promises';
import { ProxmoxError, kindOfText } from './errors.ts';
import { upidSchema, type TaskStatus } from './types.ts';

/** How a task ended well. */
export interface TaskEnd {
	upid: string;
	/** `OK` or `WARNINGS: n` */
	exitStatus: string;
	warnings: number;
}

export interface WaitOptions {
	timeoutMs: number;
	/** 1 second by default. */
	pollMs?: number;
	signal?: AbortSignal;
}

/** The exit statuses of a task that did its work. */
export function taskSucceeded(exitStatus: string | undefined): boolean {
	return exitStatus === 'OK' || /^WARNINGS: \d+$/.test(exitStatus ?? '');
}

/** The node that a task runs on, which alone knows it. @throws Error when it is no UPID */
export function nodeOfTask(upid: string): string {
	return upidSchema.parse(upid).split(':')[1] ?? '';
}

/**
 * Waits until a task has ended well. Polls that fail for a moment are forgiven until the time is up.
 * @throws ProxmoxError `task_failed` (or what its text means: `locked`, `no_quorum`, `exists`) with the exit status as `code`;
 * `task_running`, ambiguous, when it is still running after `timeoutMs`
 */
export async function waitTask(
	taskStatus: (upid: string) => Promise<TaskStatus>,
	upid: string,
	{ timeoutMs, pollMs = 1000, signal }: WaitOptions
): Promise<TaskEnd> {
	const operation = 'task.wait';
	const until = performance.now() + timeoutMs;
	let unread: unknown;
	for (;;) {
		signal?.throwIfAborted();
		let task: TaskStatus | null = null;
		try {
			task = await taskStatus(upid);
			unread = undefined;
		} catch (error) {
			if (!(error instanceof ProxmoxError) || !error.retryable) throw error;
			unread = error;
		}
		// How it ended may be an error that another try helps against; of this task nothing more is to come.
		if (task?.status === 'stopped')
			return ended(operation, upid, task.exitstatus ?? 'unexpected status');
		if (performance.now() + pollMs > until) {
			const message = unread ? 'The task could not be read in time' : 'The task is still running';
			throw new ProxmoxError({
				operation,
				kind: 'task_running',
				message,
				upid,
				ambiguous: true,
				cause: unread
			});
		}
		await sleep(pollMs, undefined, { signal });
	}
}

function ended(operation: string, upid: string, exitStatus: string): TaskEnd {
	if (taskSucceeded(exitStatus)) {
		return { upid, exitStatus, warnings: Number(/^WARNINGS: (\d+)$/.exec(exitStatus)?.[1] ?? 0) };
	}
	const meaning = kindOfText(exitStatus);
	throw new ProxmoxError({
		operation,
		kind: meaning === 'refused' ? 'task_failed' : meaning,
		message: exitStatus,
		code: exitStatus,
		upid,
		retryable: meaning === 'locked' || meaning === 'no_quorum',
		// A log that was cut off says nothing about what the task did.
		ambiguous: exitStatus === 'unexpected status'
	});
}
