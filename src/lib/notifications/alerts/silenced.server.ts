import { Prisma } from '#prisma/generated/client.ts';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';

/** True for a silence (`silence`) that is in force and holds for an alert (`alert`). */
export function holdsNow(): Prisma.Sql {
	return Prisma.sql`silence.ended_at IS NULL AND silence.until > ${now()}
		AND (silence.rule IS NULL OR silence.rule = alert.rule)
		AND (silence.subject_id IS NULL OR (silence.subject_type = alert.subject_type AND silence.subject_id = alert.subject_id))`;
}

/** Notes of those that a silence holds for that nobody was told. @returns their ids */
export async function muteSilenced(tx: Tx, alerts: { id: string }[]): Promise<Set<string>> {
	const muted = await tx.$queryRaw<{ id: string }[]>`
		UPDATE alerts alert SET muted_at = ${now()}
		WHERE alert.id = ANY(${alerts.map(({ id }) => id)}::uuid[])
			AND EXISTS (SELECT 1 FROM alert_silences silence WHERE ${holdsNow()})
		RETURNING alert.id`;
	return new Set(muted.map(({ id }) => id));
}
