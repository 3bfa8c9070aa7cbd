import type { PgBoss } from 'pg-boss';
import { SECOND } from './clock.server.ts';
import { onGap, onNotice } from './listen.server.ts';

/** What runs a queue's jobs in this process. */
export interface Work {
	name: string;
	/** Jobs that run at a time. */
	concurrency: number;
	/** Seconds between looks for jobs whose time has come, and for those whose notice was lost. */
	pollSeconds: number;
	run(job: { id: string; data: unknown; signal: AbortSignal }): Promise<void>;
}

/** Topic of the notice that a job of this queue can run now. */
export function queueTopic(name: string): string {
	return `queue:${name}`;
}

/** pg-boss's own poll, which ours replaces: every idle worker would look each time. */
const NEVER_SECONDS = 86_400;

/**
 * Starts workers that look for a job when there is one, and then one of them alone: twenty that look for each job would
 * keep the database busier than the jobs. Whoever finds one sends the next to look, since a notice may stand for many.
 * @param stop ends the looking; the workers themselves end with pg-boss
 */
export async function startWorkers(queue: PgBoss, work: Work, stop: AbortSignal): Promise<void> {
	// Ids of those that run nothing; who has waited longest is first.
	const idle = new Set<string>();
	const wakeOne = () => {
		const [id] = idle;
		if (id === undefined) return;
		idle.delete(id);
		idle.add(id);
		queue.notifyWorker(id);
	};
	for (let count = 0; count < work.concurrency; count++) {
		const options = { batchSize: 1, pollingIntervalSeconds: NEVER_SECONDS };
		const id: string = await queue.work<unknown>(work.name, options, async ([job]) => {
			idle.delete(id);
			wakeOne();
			try {
				await work.run(job!);
			} finally {
				idle.add(id);
				queue.notifyWorker(id);
			}
		});
		idle.add(id);
	}
	const timer = setInterval(wakeOne, work.pollSeconds * SECOND);
	const endNotices = onNotice(({ topic }) => {
		if (topic === queueTopic(work.name)) wakeOne();
	});
	const endGaps = onGap(wakeOne);
	stop.addEventListener('abort', () => {
		clearInterval(timer);
		endNotices();
		endGaps();
	});
}
