/**
 * Reads every custom hostname as its job does, and gives each domain that is due its turn. Says what that took as one line
 * of JSON.
 */
import { db } from '#lib/core/db.server.ts';
import { startQueue, stopQueue } from '#lib/core/queue.server.ts';
import { lookAtHostnames } from '#lib/domains/custom/hostnameLook.server.ts';
import { giveTurns } from '#lib/domains/custom/domainJobs.server.ts';

await startQueue({ work: false });
const begun = performance.now();
await lookAtHostnames();
const listedMs = performance.now() - begun;
// A day later.
await db.$executeRaw`UPDATE custom_domains SET next_check_at = now() - interval '1 second'
	WHERE next_check_at > now() AND external_domain LIKE '%.bench-domain.com'`;
let turns = 0;
for (let given = 1; given > 0; turns += given) given = await giveTurns();
await stopQueue();
await db.$disconnect();
console.log(JSON.stringify({ listedMs, turns }));
