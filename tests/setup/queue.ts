import { afterAll } from 'vitest';
import { startListening, stopListening } from '#lib/core/listen.server.ts';
import { startQueue, stopQueue } from '#lib/core/queue.server.ts';

/**
 * Opens the queue for this test file; call it after `testDatabase()` and after importing what defines the jobs.
 * @param options.work false: jobs are only put into the queue, the test runs them itself
 */
export async function testQueue(options: { work: boolean }): Promise<void> {
	if (options.work) await startListening();
	await startQueue(options);
	afterAll(async () => {
		await stopQueue(2);
		await stopListening();
	});
}

/** Looks again every 20 ms until `look` answers something. @throws {Error} after `seconds` */
export async function eventually<T>(
	look: () => Promise<T | null | undefined | false>,
	seconds = 15
): Promise<T> {
	const end = Date.now() + seconds * 1000;
	for (;;) {
		const seen = await look();
		if (seen) return seen;
		if (Date.now() > end) throw new Error(`did not happen within ${seconds} s`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
