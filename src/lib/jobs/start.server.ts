import { env } from '#lib/core/env.server.ts';
import { db } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { startQueue, stopQueue } from '#lib/core/queue.server.ts';
import './registry.server.ts';

const SHUTDOWN = Symbol.for('erp-core.shutdown');

/**
 * Starts what this process is for besides answering requests: the queue, and with ROLE=worker or all its workers.
 * @throws {EnvError} when the environment is not right
 */
export async function startProcess(): Promise<void> {
	const works = env.ROLE !== 'web';
	await startQueue({ work: works });
	// src/server.ts calls it once no new request comes in.
	Object.assign(globalThis, {
		[SHUTDOWN]: async () => {
			await stopQueue();
			await db.$disconnect();
		}
	});
	log.info({ role: env.ROLE, env: env.APP_ENV }, 'started');
}
