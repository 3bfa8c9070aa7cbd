import { env } from '#lib/core/env.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { startListening, stopListening } from '#lib/core/listen.server.ts';
import { log } from '#lib/core/log.server.ts';
import { startMetrics } from '#lib/core/metrics.server.ts';
import { isQueueOpen, startQueue, stopQueue } from '#lib/core/queue.server.ts';
import { type Hub, startHub } from '#lib/identity/hub.server.ts';
import { followSandboxClock } from '#lib/settings/sandboxClock.server.ts';
import { startConsoles } from '#lib/infrastructure/console/consoles.server.ts';
import { closeSsh } from '#lib/infrastructure/nodes/sshPool.server.ts';
import { requestFirstLooks } from '#lib/domains/records/recordJobs.server.ts';
import { requestSync } from '#lib/plans/jobs.server.ts';
import './live.server.ts';
import './registry.server.ts';

const UPGRADE = Symbol.for('erp-core.upgrade');
const SHUTDOWN = Symbol.for('erp-core.shutdown');

/**
 * Starts what this process is for besides answering requests: the queue, with ROLE=worker or all its workers, and with
 * ROLE=web or all what tells browsers of changes.
 * @throws {EnvError} when the environment is not right
 */
export async function startProcess(): Promise<void> {
	// Vite's dev server runs the init hook again after every change.
	if (isQueueOpen()) return;
	const works = env.ROLE !== 'web';
	const stopClock = await followSandboxClock();
	await startListening();
	await startQueue({ work: works });
	// What is on sale can be paid for before the first visitor comes.
	if (works) await transaction(requestSync);
	// Before the first customer points a domain at us, it leads somewhere.
	if (works) await transaction(requestFirstLooks);
	const hub: Hub | undefined = env.ROLE === 'worker' ? undefined : startHub();
	const consoles = hub && startConsoles();
	const upgrade: Hub['upgrade'] = (request, socket, head) => {
		if (!consoles?.upgrade(request, socket, head)) hub?.upgrade(request, socket, head);
	};
	const metrics = env.METRICS_PORT && (await startMetrics(env.METRICS_PORT, env.HOST));
	// src/server.ts calls the one for each WebSocket, the other once no new request comes in.
	Object.assign(globalThis, {
		[UPGRADE]: hub && upgrade,
		[SHUTDOWN]: async () => {
			stopClock();
			hub?.stop();
			await consoles?.stop();
			if (metrics) metrics.stop();
			await stopQueue();
			await stopListening();
			await closeSsh();
			await db.$disconnect();
		}
	});
	log.info({ role: env.ROLE, env: env.APP_ENV }, 'started');
}
