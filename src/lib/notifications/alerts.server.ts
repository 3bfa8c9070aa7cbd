import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { type Actor, audit } from '#lib/logs/audit.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { channelsOf, postAlerts, tellAlerts } from './alerts/telling.server.ts';

export interface AlertInput {
	/** `billing.refund-failed`, `infrastructure.node-offline`. */
	rule: string;
	subjectType: string;
	subjectId: string;
	severity: 'info' | 'warning' | 'critical';
	data?: Prisma.InputJsonObject;
}

export type AlertSubject = Pick<AlertInput, 'rule' | 'subjectType' | 'subjectId'>;

/**
 * Opens an alert and tells staff, or refreshes the one that is open for the same rule and subject. Staff are told once;
 * who acknowledged it stays: the same cause is no news. That it has become worse is, to everybody, and so it stays until it
 * closes. While it is silenced nobody is told until the silence ends.
 * @returns its id, and whether it is new; null when staff have switched its rule off, and nothing is opened
 */
export async function openAlert(
	tx: Tx,
	alert: AlertInput
): Promise<{ id: string; isNew: boolean } | null> {
	const channels = await channelsOf(tx, alert.rule);
	if (!channels) return null;
	const at = now();
	// The partial unique index alerts_open_key decides between two who open it at the same time; which severity is worse says
	// the order of the enum, as `isWorse` does.
	const [row] = await tx.$queryRaw<{ id: string; isNew: boolean; isWorse: boolean }[]>`
		INSERT INTO alerts AS alert (id, rule, subject_type, subject_id, severity, data, opened_at)
		VALUES (gen_random_uuid(), ${alert.rule}, ${alert.subjectType}, ${alert.subjectId},
			${alert.severity}::alert_severity, ${JSON.stringify(alert.data ?? {})}::jsonb, ${at})
		ON CONFLICT (rule, subject_type, subject_id) WHERE closed_at IS NULL
		DO UPDATE SET data = EXCLUDED.data, severity = greatest(alert.severity, EXCLUDED.severity),
			escalated_at = CASE WHEN EXCLUDED.severity > alert.severity THEN ${at} ELSE alert.escalated_at END
		RETURNING id, (xmax = 0) AS "isNew", coalesce(escalated_at = ${at}, false) AS "isWorse"`;
	const { id, isNew, isWorse } = row!;
	await publish(tx, 'staff:alerts', id);
	if (isNew || isWorse) {
		const written = await tx.alert.findUniqueOrThrow({ where: { id } });
		if (isNew) await tellAlerts(tx, [written], 'opened', channels);
		else if (!written.mutedAt) await tellAlerts(tx, [written], 'escalated', channels);
	}
	return { id, isNew };
}

/**
 * Somebody takes an alert on. It stays open until its cause is gone, and is quiet from now on.
 * @param note for colleagues; null when there is nothing to say
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when a colleague was faster or the cause is gone
 */
export async function acknowledgeAlert(
	tx: Tx,
	id: string,
	{ by, note }: { by: Actor; note: string | null }
): Promise<void> {
	const { count } = await tx.alert.updateMany({
		where: { id, closedAt: null, acknowledgedAt: null },
		data: {
			acknowledgedAt: now(),
			acknowledgedById: by.id,
			acknowledgedName: by.label,
			acknowledgedNote: note
		}
	});
	const alert = await tx.alert.findUnique({ where: { id } });
	if (!alert) throw new AppError('NOT_FOUND');
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await audit(tx, {
		actor: by,
		action: 'notifications.acknowledge',
		subject: { type: 'alert', id },
		after: {
			rule: alert.rule,
			subject: `${alert.subjectType} ${alert.subjectId}`,
			...(note && { note })
		}
	});
	const channels = (await channelsOf(tx, alert.rule)) ?? [];
	await postAlerts(tx, [alert], 'alert.acknowledged', channels);
	await publish(tx, 'staff:alerts', id);
}

/** Closes the open alert of a rule and subject. @returns false when none was open */
export async function closeAlert(tx: Tx, subject: AlertSubject): Promise<boolean> {
	const { rule, subjectType, subjectId } = subject;
	return (await closeAlerts(tx, { rule, subjectType, subjectId })) > 0;
}

/** Closes those that are open of a rule, or of that those with some ids. @returns how many there were */
export async function closeAlerts(
	tx: Tx,
	of: { rule: string; subjectType?: string; subjectId?: string; id?: { in: string[] } }
): Promise<number> {
	const closed = await tx.alert.updateManyAndReturn({
		where: { ...of, closedAt: null },
		data: { closedAt: now() }
	});
	if (closed.length === 0) return 0;
	// Whoever was not told that it opened need not hear that it is over.
	const heard = closed.filter(({ mutedAt, escalatedAt }) => !mutedAt || escalatedAt);
	await postAlerts(tx, heard, 'alert.closed', (await channelsOf(tx, of.rule)) ?? []);
	await publish(tx, 'staff:alerts', of.subjectId);
	return closed.length;
}
