import type { Tx } from './db.server.ts';

/** PostgreSQL channel over which processes tell each other what changed. */
export const LIVE_CHANNEL = 'erp_live';

/**
 * Says that something under `topics` changed, once the transaction commits. The notice carries no data: who listens
 * fetches again, with its own rights.
 * @param topics `tenant:<id>`, `signup:<id>`, `customer:<id>`, `staff:tenants` …
 */
export async function publish(tx: Tx, topics: string | string[], id?: string): Promise<void> {
	const notices = [topics].flat().map((topic) => liveNotice(topic, id));
	await tx.$executeRaw`SELECT pg_notify(${LIVE_CHANNEL}, notice) FROM unnest(${notices}::text[]) notice`;
}

/** What `publish` sends, for a statement that does more than that. */
export function liveNotice(topic: string, id?: string): string {
	return JSON.stringify({ topic, id });
}
