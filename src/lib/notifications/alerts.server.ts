import type { Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { type Actor, audit } from '#lib/logs/audit.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { queueMail } from './mail.server.ts';
import { notify } from './notifications.server.ts';
import { notificationSentence, subjectHref } from './sentences.ts';

export interface AlertInput {
	/** `billing.refund-failed`, `infrastructure.node-offline`. */
	rule: string;
	subjectType: string;
	subjectId: string;
	severity: 'info' | 'warning' | 'critical';
	data?: Prisma.InputJsonObject;
}

/** A mailbox has chosen none; the product speaks Spanish first. */
const STAFF_LOCALE = 'es';

export type AlertSubject = Pick<AlertInput, 'rule' | 'subjectType' | 'subjectId'>;

/**
 * Opens an alert and tells staff, or refreshes the one that is open for the same rule and subject. Staff are told once;
 * who acknowledged it stays: the same cause is no news.
 * @returns its id, and whether it is new
 */
export async function openAlert(
	tx: Tx,
	alert: AlertInput
): Promise<{ id: string; isNew: boolean }> {
	// The partial unique index alerts_open_key decides between two who open it at the same time.
	const [row] = await tx.$queryRaw<{ id: string; isNew: boolean }[]>`
		INSERT INTO alerts (id, rule, subject_type, subject_id, severity, data, opened_at)
		VALUES (gen_random_uuid(), ${alert.rule}, ${alert.subjectType}, ${alert.subjectId},
			${alert.severity}::alert_severity, ${JSON.stringify(alert.data ?? {})}::jsonb, ${now()})
		ON CONFLICT (rule, subject_type, subject_id) WHERE closed_at IS NULL
		DO UPDATE SET severity = EXCLUDED.severity, data = EXCLUDED.data
		RETURNING id, (xmax = 0) AS "isNew"`;
	const opened = row!;
	await publish(tx, 'staff:alerts', opened.id);
	if (opened.isNew) {
		await notify(tx, {
			permission: 'notifications:read',
			kind: alert.rule,
			severity: alert.severity === 'critical' ? 'error' : alert.severity,
			data: { ...alert.data, subjectType: alert.subjectType, subjectId: alert.subjectId },
			dedupeKey: `alert:${opened.id}`
		});
		await mailStaff(tx, opened.id, alert);
	}
	return opened;
}

/** To the staff's mailbox, where there is one. */
async function mailStaff(tx: Tx, id: string, alert: AlertInput): Promise<void> {
	const to = await setting('notifications.staff_address');
	if (!to) return;
	const { rule, data, subjectType, subjectId } = alert;
	const page = subjectHref({ subjectType, subjectId }) ?? '/admin/alerts';
	await queueMail(tx, {
		template: 'alert',
		userId: null,
		to,
		locale: STAFF_LOCALE,
		data: {
			name: await setting('general.platform_name'),
			sentence: notificationSentence(rule, data, { locale: STAFF_LOCALE }),
			url: `${env.ORIGIN}${page}`
		},
		dedupeKey: `alert:${id}`
	});
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
	await publish(tx, 'staff:alerts', id);
}

/** Closes the open alert of a rule and subject. @returns false when none was open */
export async function closeAlert(tx: Tx, subject: AlertSubject): Promise<boolean> {
	const { rule, subjectType, subjectId } = subject;
	const { count } = await tx.alert.updateMany({
		where: { rule, subjectType, subjectId, closedAt: null },
		data: { closedAt: now() }
	});
	if (count > 0) await publish(tx, 'staff:alerts', subjectId);
	return count > 0;
}
