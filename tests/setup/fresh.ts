/**
 * Runs first before every test file. A worker takes one file after the other, so that what is not ours is loaded once
 * (Prisma's engine, the vendors' SDKs); our own modules begin anew with each file, and so do the environment and the clock.
 */
import { vi } from 'vitest';

const begun: NodeJS.ProcessEnv = JSON.parse(
	(process.env.TEST_WORKER_ENVIRONMENT ??= JSON.stringify(process.env))
);
for (const name of Object.keys(process.env)) {
	if (!(name in begun) && name !== 'TEST_WORKER_ENVIRONMENT') delete process.env[name];
}
Object.assign(process.env, begun);
vi.useRealTimers();
vi.resetModules();
