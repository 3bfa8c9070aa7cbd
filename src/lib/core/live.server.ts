import type { Tx } from './db.server.ts';

/** PostgreSQL channel over which processes tell each other what changed. */
export const LIVE_CHANNEL = 'erp_live';

/**
 * Says that something under `topic` changed, once the transaction commits. The notice carries no data: who listens
 * fetches again, with its own rights.
 * @param topic `tenant:<id>`, `signup:<id>`, `customer:<id>`, `staff:tenants` …
 */
export async function publish(tx: Tx, topic: string, id?: string): Promise<void> {
	await tx.$executeRaw`SELECT pg_notify(${LIVE_CHANNEL}, ${liveNotice(topic, id)})`;
}

/** What `publish` sends, for a statement that does more than that. */
export function liveNotice(topic: string, id?: string): string {
	return JSON.stringify({ topic, id });
}
