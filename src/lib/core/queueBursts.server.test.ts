import { expect, test } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { db, transaction } from './db.server.ts';
import { isListening } from './listen.server.ts';
import { defineJob, enqueue } from './queue.server.ts';

declare module './queue.server.ts' {
	interface JobMap {
		'tests.one': { number: number };
		'tests.three': { number: number };
	}
}

await testDatabase();
const ran: number[] = [];
/** Ends the jobs that run, oldest first. */
const held: (() => void)[] = [];
// Longer than anybody would wait here: nothing but notices and the workers themselves may find the jobs.
const pollSeconds = 600;
const payload = z.object({ number: z.number() });
defineJob({
	name: 'tests.one',
	payload,
	run: async ({ number }) => void ran.push(number),
	pollSeconds
});
defineJob({
	name: 'tests.three',
	payload,
	run: () => new Promise<void>((done) => held.push(done)),
	concurrency: 3,
	pollSeconds
});
await testQueue({ work: true });

const put = (name: 'tests.one' | 'tests.three', numbers: number[]) =>
	transaction(async (tx) => {
		for (const number of numbers) await enqueue(tx, name, { number });
	});

test('jobs that become known together run one after the other without a pause', async () => {
	await put('tests.one', [1, 2, 3, 4, 5]);
	await eventually(async () => ran.length === 5);
	expect(ran.toSorted()).toEqual([1, 2, 3, 4, 5]);
});

test('one notice sends as many workers to work as there are jobs, and who ends takes the next', async () => {
	await put('tests.three', [1, 2, 3, 4, 5]);
	await expect.poll(() => held.length).toBe(3);
	held[0]!();
	await expect.poll(() => held.length).toBe(4);
	held[1]!();
	await expect.poll(() => held.length).toBe(5);
	for (const end of held) end();
});

test('a job whose notice was lost is found once notices arrive again', async () => {
	ran.length = 0;
	await db.$queryRaw`
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'erp-core live%'`;
	await expect.poll(() => isListening()).toBe(false);
	await put('tests.one', [6]);
	await expect.poll(() => ran, { timeout: 5_000 }).toEqual([6]);
});
