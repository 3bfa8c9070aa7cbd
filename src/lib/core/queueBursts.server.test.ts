import { expect, test } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { transaction } from './db.server.ts';
import { defineJob, enqueue } from './queue.server.ts';

declare module './queue.server.ts' {
	interface JobMap {
		'tests.burst': { number: number };
	}
}

await testDatabase();
const ran: number[] = [];
defineJob({
	name: 'tests.burst',
	payload: z.object({ number: z.number() }),
	run: async ({ number }) => void ran.push(number),
	// Longer than anybody would wait here: nothing but the notice and the worker itself may find them.
	pollSeconds: 600
});
await testQueue({ work: true });

test('jobs that become known together run one after the other without a pause', async () => {
	await transaction(async (tx) => {
		for (const number of [1, 2, 3, 4, 5]) await enqueue(tx, 'tests.burst', { number });
	});
	await eventually(async () => ran.length === 5);
	expect(ran.toSorted()).toEqual([1, 2, 3, 4, 5]);
});
