import type { Tx } from '#lib/core/db.server.ts';

/** What stands where somebody was named. */
const GONE = '—';
/** Names of fields that say who somebody is, in either way of writing them. */
const PERSONAL = /name|email|phone|address|city|postal|notes|contact|label|ip$|^state$|^by$/i;

/** Those of these audit entries whose customer asked to be erased: the log keeps them, and nobody is shown whom they name. */
export async function erasedEntries(tx: Tx, ids: string[]): Promise<Set<string>> {
	if (ids.length === 0) return new Set();
	const rows = await tx.$queryRaw<{ id: string }[]>`
		SELECT entry.id FROM audit_log entry
		JOIN customers customer ON customer.id = entry.customer_id AND customer.erased_at IS NOT NULL
		WHERE entry.id = ANY(${ids}::uuid[])`;
	return new Set(rows.map(({ id }) => id));
}

/** The `before` or `after` of such an entry: what happened stays, whom it names goes. */
export function withoutPeople<T>(held: T): T {
	return masked(held) as T;
}

function masked(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(masked);
	if (value === null || typeof value !== 'object') return value;
	return Object.fromEntries(
		Object.entries(value).map(([name, inner]) => [
			name,
			PERSONAL.test(name) && inner !== null ? GONE : masked(inner)
		])
	);
}

/** Who did it: members of such a customer are named by their address, staff are ours. */
export function withoutMember(kind: string, label: string): string {
	return kind === 'staff' || kind === 'system' ? label : GONE;
}
