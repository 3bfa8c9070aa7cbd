import type { Alert, AlertSilence } from '#prisma/generated/client.ts';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { type Actor, audit } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { SilenceInput } from './silenceForms.ts';
import { holdsNow } from './silenced.server.ts';
import { type AlertNews, channelsOf, tellAlerts } from './telling.server.ts';

/**
 * From now on nobody is told of what is named, until the time has come. Alerts open and close as ever.
 * @throws {AppError} BAD_INPUT when there has never been such a rule
 */
export async function addSilence(tx: Tx, input: SilenceInput, by: Actor): Promise<AlertSilence> {
	const { rule, subjectType, subjectId, hours, reason } = input;
	if (rule && !(await isRule(tx, rule)))
		throw new AppError('BAD_INPUT', { fields: { rule: m.alert_silence_rule_unknown() } });
	const silence = await tx.alertSilence.create({
		data: {
			...{ rule, subjectType, subjectId, reason },
			...{ byId: by.id, byLabel: by.label },
			...{ createdAt: now(), until: after(now(), hours * HOUR) }
		}
	});
	await audit(tx, {
		...{ actor: by, action: 'notifications.silence' },
		subject: { type: 'alert-silence', id: silence.id },
		after: shown(silence)
	});
	await publish(tx, 'staff:alerts', silence.id);
	return silence;
}

/**
 * Ends a silence before its time; what is still open and was kept quiet is told at once.
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when it is over already
 */
export async function endSilence(tx: Tx, id: string, by: Actor): Promise<AlertSilence> {
	const { count } = await tx.alertSilence.updateMany({
		where: { id, endedAt: null, until: { gt: now() } },
		data: { endedAt: now() }
	});
	const silence = await tx.alertSilence.findUnique({ where: { id } });
	if (!silence) throw new AppError('NOT_FOUND');
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await audit(tx, {
		...{ actor: by, action: 'notifications.silence_end' },
		...{ subject: { type: 'alert-silence', id }, before: shown(silence) }
	});
	await tellWhatWasSilenced(tx);
	await publish(tx, 'staff:alerts', id);
	return silence;
}

/** Tells what was kept quiet and is still open, when no silence holds for it any more. Taken on by somebody, it stays quiet. */
export async function tellWhatWasSilenced(tx: Tx): Promise<void> {
	const due = await tx.$queryRaw<{ id: string }[]>`
		SELECT alert.id FROM alerts alert
		WHERE alert.closed_at IS NULL AND alert.muted_at IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM alert_silences silence WHERE ${holdsNow()})
		ORDER BY alert.opened_at FOR UPDATE SKIP LOCKED`;
	if (due.length === 0) return;
	const id = { in: due.map((row) => row.id) };
	const before = await tx.alert.findMany({ where: { id }, orderBy: { openedAt: 'asc' } });
	await tx.alert.updateMany({ where: { id }, data: { mutedAt: null } });
	const told = Map.groupBy(
		before.filter(({ acknowledgedAt }) => !acknowledgedAt),
		(alert) => `${newsOf(alert)} ${alert.rule}`
	);
	for (const alerts of told.values()) {
		const [{ rule }, news] = [alerts[0]!, newsOf(alerts[0]!)];
		await tellAlerts(tx, alerts, news, (await channelsOf(tx, rule)) ?? []);
	}
	await publish(tx, 'staff:alerts');
}

/** Which of the two was kept back. */
function newsOf({ escalatedAt, mutedAt }: Alert): AlertNews {
	return escalatedAt && mutedAt && mutedAt >= escalatedAt ? 'escalated' : 'opened';
}

/** One of the rules that are data, or one that has opened an alert before. */
async function isRule(tx: Tx, rule: string): Promise<boolean> {
	return (
		(await tx.alertRule.findUnique({ where: { key: rule }, select: { id: true } })) !== null ||
		(await tx.alert.findFirst({ where: { rule }, select: { id: true } })) !== null
	);
}

function shown({ rule, subjectType, subjectId, reason, until }: AlertSilence) {
	return {
		...(rule && { rule }),
		...(subjectId && { subject: `${subjectType ?? ''} ${subjectId}` }),
		...{ reason, until: until.toISOString() }
	};
}
