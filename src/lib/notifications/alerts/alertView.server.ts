import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { AlertRule, AlertSilence } from '#prisma/generated/client.ts';
import { AlertSeverity } from '#prisma/generated/enums.ts';
import { alertRows, type ListedAlert } from '../alertList.server.ts';
import { factsOf, notificationSentence } from '../sentences.ts';
import { alertMetric } from './alertMetrics.server.ts';
import { ruleTitle } from './metricWords.ts';

/** What the API says of an alert. */
export const alertSchema = z.object({
	id: z.uuid(),
	rule: z.string(),
	severity: z.enum(AlertSeverity),
	state: z.enum(['open', 'acknowledged', 'silenced', 'closed']),
	message: z.string(),
	subject: z.object({ type: z.string(), id: z.string(), name: z.string().nullable() }),
	/** As last measured; null for an alert without a metric. */
	value: z.number().nullable(),
	threshold: z.number().nullable(),
	/** Since when nothing fresh is known of it. */
	unknown_since: z.string().nullable(),
	opened_at: z.date(),
	escalated_at: z.date().nullable(),
	acknowledged_at: z.date().nullable(),
	acknowledged_by: z.string().nullable(),
	acknowledged_note: z.string().nullable(),
	silenced_until: z.date().nullable(),
	closed_at: z.date().nullable()
});

export function alertView(row: ListedAlert): z.input<typeof alertSchema> {
	const { subject, value, threshold, unknownSince } = factsOf(row.data);
	return {
		...{ id: row.id, rule: row.rule, severity: row.severity, state: stateOf(row) },
		message: notificationSentence(row.rule, row.data),
		subject: {
			...{ type: row.subjectType, id: row.subjectId },
			name: typeof subject === 'string' ? subject : null
		},
		value: typeof value === 'number' ? value : null,
		threshold: typeof threshold === 'number' ? threshold : null,
		unknown_since: typeof unknownSince === 'string' ? unknownSince : null,
		...{ opened_at: row.openedAt, escalated_at: row.escalatedAt },
		acknowledged_at: row.acknowledgedAt,
		acknowledged_by: row.acknowledgedName,
		acknowledged_note: row.acknowledgedNote,
		...{ silenced_until: row.silence?.until ?? null, closed_at: row.closedAt }
	};
}

function stateOf({ closedAt, acknowledgedAt, silence }: ListedAlert) {
	if (closedAt) return 'closed' as const;
	if (acknowledgedAt) return 'acknowledged' as const;
	return silence ? ('silenced' as const) : ('open' as const);
}

/** @throws {AppError} NOT_FOUND */
export async function oneAlert(tx: Tx, id: string): Promise<z.input<typeof alertSchema>> {
	const [row] = await alertRows(tx, [id]);
	if (!row) throw new AppError('NOT_FOUND');
	return alertView(row);
}

/** What the API says of a rule. */
export const ruleSchema = z.object({
	id: z.uuid(),
	key: z.string(),
	/** What it watches for, in words. */
	title: z.string(),
	/** Null: code opens its alerts by itself, and says how bad each one is; `severity` is the worst. */
	metric: z.string().nullable(),
	/** percent, days, milliseconds, intervals, yes_no; null when no part of the product knows the metric. */
	unit: z.string().nullable(),
	threshold: z.number().nullable(),
	samples: z.number().int(),
	hysteresis: z.number(),
	severity: z.enum(AlertSeverity),
	critical_at: z.number().nullable(),
	enabled: z.boolean(),
	channels: z.array(z.string()),
	built_in: z.boolean(),
	/** To be sent back with a change. */
	revision: z.number().int(),
	updated_at: z.date()
});

export function ruleView(rule: AlertRule): z.input<typeof ruleSchema> {
	const { id, key, metric, threshold, samples, hysteresis, severity, enabled, channels } = rule;
	const facts = alertMetric(metric);
	return {
		...{ id, key, title: ruleTitle(rule, facts ?? undefined), metric, unit: facts?.unit ?? null },
		...{ threshold, samples, hysteresis, severity, critical_at: rule.criticalAt },
		...{ enabled, channels, built_in: rule.builtIn },
		...{ revision: rule.revision, updated_at: rule.updatedAt }
	};
}

/** What the API says of a silence. */
export const silenceSchema = z.object({
	id: z.uuid(),
	rule: z.string().nullable(),
	subject: z.object({ type: z.string(), id: z.string() }).nullable(),
	reason: z.string(),
	by: z.string(),
	created_at: z.date(),
	until: z.date(),
	ended_at: z.date().nullable()
});

export function silenceView(silence: AlertSilence): z.input<typeof silenceSchema> {
	const { id, rule, subjectType, subjectId, reason, byLabel, createdAt, until } = silence;
	return {
		...{ id, rule, reason, by: byLabel, created_at: createdAt, until, ended_at: silence.endedAt },
		subject: subjectType && subjectId ? { type: subjectType, id: subjectId } : null
	};
}
