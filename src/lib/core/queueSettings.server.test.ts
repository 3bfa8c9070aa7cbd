import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db } from './db.server.ts';
import { defineJob, startQueue, stopQueue } from './queue.server.ts';

declare module './queue.server.ts' {
	interface JobMap {
		'tests.settings': Record<string, never>;
	}
}

await testDatabase();
afterEach(() => stopQueue(2));

function declared(queue: NonNullable<Parameters<typeof defineJob>[0]['queue']>): Promise<void> {
	defineJob({ name: 'tests.settings', payload: z.object({}), run: async () => {}, queue });
	return startQueue({ work: false });
}

async function stored() {
	const [row] = await db.$queryRaw<{ retry_limit: number; heartbeat_seconds: number; at: Date }[]>`
		SELECT retry_limit, heartbeat_seconds, updated_on AS at
		FROM pgboss.queue WHERE name = 'tests.settings'`;
	return row!;
}

test('a queue of an earlier version takes the settings that the job declares now', async () => {
	await declared({ retryLimit: 2 });
	expect(await stored()).toMatchObject({ retry_limit: 2, heartbeat_seconds: 15 });
	await stopQueue(2);
	await declared({ retryLimit: 7, heartbeatSeconds: 20 });
	expect(await stored()).toMatchObject({ retry_limit: 7, heartbeat_seconds: 20 });
});

test('a queue that is as declared is left alone', async () => {
	await declared({ retryLimit: 7 });
	const before = await stored();
	await stopQueue(2);
	await declared({ retryLimit: 7 });
	expect(await stored()).toEqual(before);
});

test('what an earlier version ran by the clock is not put into the queue any more', async () => {
	await declared({ retryLimit: 7 });
	await stopQueue(2);
	const [old, other] = ['infrastructure.collect-metrics', 'of.a-newer-version'];
	for (const name of [old, other]) {
		await db.$executeRaw`SELECT pgboss.create_queue(${name}, '{"policy": "standard"}'::jsonb)`;
		await db.$executeRaw`INSERT INTO pgboss.schedule (name, cron) VALUES (${name}, '* * * * *')`;
	}
	await startQueue({ work: true });
	expect(await db.$queryRaw`SELECT name FROM pgboss.schedule`).toEqual([{ name: other }]);
});

test('a queue of another kind is not worked on', async () => {
	await declared({ retryLimit: 7 });
	await stopQueue(2);
	await expect(declared({ policy: 'singleton' })).rejects.toThrow('tests.settings');
	await declared({ retryLimit: 7 });
	expect(await stored()).toMatchObject({ retry_limit: 7 });
});
