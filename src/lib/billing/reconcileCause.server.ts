import type { Tx } from '#lib/core/db.server.ts';

/** Why our copy of an object may be old: an event of it failed, is still on its way, or never came. */
export async function causeOf(
	tx: Tx,
	stripeCustomerId: string | null,
	objectId: string
): Promise<'event-failed' | 'event-waiting' | 'event-missed'> {
	if (!stripeCustomerId) return 'event-missed';
	const events = await tx.stripeEvent.findMany({
		where: {
			stripeCustomerId,
			processed: false,
			payload: { path: ['data', 'object', 'id'], equals: objectId }
		},
		orderBy: { receivedAt: 'desc' },
		take: 1,
		select: { error: true }
	});
	const [event] = events;
	if (!event) return 'event-missed';
	return event.error ? 'event-failed' : 'event-waiting';
}

/** Only the fields in which two descriptions differ; null when none does. */
export function differing(
	ours: Record<string, unknown>,
	theirs: Record<string, unknown>
): { ours: object; theirs: object } | null {
	const fields = Object.keys(theirs).filter((field) => text(ours[field]) !== text(theirs[field]));
	if (fields.length === 0) return null;
	const only = (side: Record<string, unknown>) =>
		Object.fromEntries(fields.map((field) => [field, text(side[field])]));
	return { ours: only(ours), theirs: only(theirs) };
}

function text(value: unknown): string | number | boolean | null {
	if (value instanceof Date) return value.toISOString();
	if (typeof value === 'number' || typeof value === 'boolean') return value;
	return value === null || value === undefined ? null : String(value);
}
