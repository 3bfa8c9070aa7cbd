import { db } from './db.server.ts';
import { listeningState } from './listen.server.ts';
import { log } from './log.server.ts';
import { isQueueOpen } from './queue.server.ts';

export interface Readiness {
	ready: boolean;
	/** By part: `ok`, or in a few words what is missing. */
	checks: Record<'database' | 'migrations' | 'queue' | 'live', string>;
}

// A balancer asks every few seconds; a database that takes longer is as good as away.
const PATIENCE_MS = 2_000;

// A worker alone has no browser to tell anything.
const LIVE = { on: 'ok', off: 'ok', lost: 'LISTEN is missing: nothing arrives by itself' };

/** @param expected names of the migrations that this build needs */
export async function readiness(expected: string[]): Promise<Readiness> {
	const missing = await missingMigrations(expected);
	const checks = {
		database: missing ? 'ok' : 'unreachable',
		migrations: !missing
			? 'unknown'
			: missing.length === 0
				? 'ok'
				: `missing: ${missing.join(', ')}`,
		queue: isQueueOpen() ? 'ok' : 'not started',
		live: LIVE[listeningState()]
	};
	return { ready: Object.values(checks).every((state) => state === 'ok'), checks };
}

/** Null when the database does not answer. */
async function missingMigrations(expected: string[]): Promise<string[] | null> {
	try {
		const applied = await Promise.race([
			db.$queryRaw<{ migration_name: string }[]>`
				SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
			new Promise<never>((_, reject) =>
				setTimeout(() => reject(new Error('no answer in time')), PATIENCE_MS).unref()
			)
		]);
		const names = new Set(applied.map((row) => row.migration_name));
		return expected.filter((name) => !names.has(name));
	} catch (error) {
		log.warn({ err: error }, 'the database does not answer');
		return null;
	}
}
