import type { Tx } from '#lib/core/db.server.ts';
import { lock } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { type Actor, audit } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { AlertRule } from '#prisma/generated/client.ts';
import { closeAlerts } from '../alerts.server.ts';
import { alertMetric } from './alertMetrics.server.ts';
import { isWorse } from './judgement.ts';
import type { AlertMetricFacts } from './metricWords.ts';
import type { RuleInput, RuleTerms } from './ruleForms.ts';

/**
 * Changes a rule. Switched off, it closes what it has opened. Of one without a metric, whose alerts code opens, only whether
 * there are such alerts and how they are told.
 * @param seen the revision that the person had before them
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE; BAD_INPUT
 */
export async function editRule(
	tx: Tx,
	id: string,
	{ seen, input, by }: { seen: number; input: RuleInput; by: Actor }
): Promise<AlertRule> {
	const before = await findRule(tx, id);
	const terms =
		before.metric === null ? termsOf(before) : checked(input, alertMetric(before.metric));
	const { count } = await tx.alertRule.updateMany({
		where: { id, revision: seen },
		data: {
			...{ ...terms, enabled: input.enabled, channels: input.channels },
			revision: { increment: 1 }
		}
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	const after = await findRule(tx, id);
	await audit(tx, {
		...{ actor: by, action: 'notifications.rule_edit' },
		subject: { type: 'alert-rule', id },
		...{ before: shown(before), after: shown(after) }
	});
	if (!after.enabled) await closeAlerts(tx, { rule: after.key });
	await publish(tx, 'staff:alerts', id);
	return after;
}

/** @throws {AppError} BAD_INPUT beside the fields */
export async function addRule(
	tx: Tx,
	metric: string,
	{ input, by }: { input: RuleInput; by: Actor }
): Promise<AlertRule> {
	const facts = alertMetric(metric);
	if (!facts)
		throw new AppError('BAD_INPUT', { fields: { metric: m.alert_rule_metric_missing() } });
	const terms = checked(input, facts);
	const { enabled, channels } = input;
	const key = await freeKey(tx, metric);
	const rule = await tx.alertRule.create({ data: { key, metric, ...terms, enabled, channels } });
	await audit(tx, {
		...{ actor: by, action: 'notifications.rule_add' },
		...{ subject: { type: 'alert-rule', id: rule.id }, after: shown(rule) }
	});
	await publish(tx, 'staff:alerts', rule.id);
	return rule;
}

/** Takes a rule of our own away, and closes what it has opened. @throws {AppError} NOT_FOUND, also for a built-in one */
export async function removeRule(tx: Tx, id: string, by: Actor): Promise<AlertRule> {
	const rule = await findRule(tx, id);
	if (rule.builtIn) throw new AppError('NOT_FOUND', { detail: 'built-in rules are switched off' });
	await closeAlerts(tx, { rule: rule.key });
	await tx.alertRule.delete({ where: { id } });
	await audit(tx, {
		...{ actor: by, action: 'notifications.rule_remove' },
		...{ subject: { type: 'alert-rule', id }, before: shown(rule) }
	});
	await publish(tx, 'staff:alerts', id);
	return rule;
}

/** @throws {AppError} NOT_FOUND */
export async function findRule(tx: Tx, id: string): Promise<AlertRule> {
	const rule = await tx.alertRule.findUnique({ where: { id } });
	if (!rule) throw new AppError('NOT_FOUND');
	return rule;
}

/**
 * The terms as the metric allows them: what is yes or no has no threshold, and critical lies beyond the threshold.
 * @throws {AppError} BAD_INPUT beside the fields
 */
export function checked(input: RuleTerms, facts: AlertMetricFacts | null): RuleTerms {
	const { threshold, samples, hysteresis, severity, criticalAt } = input;
	if (facts?.unit === 'yes_no')
		return { threshold: null, samples: 1, hysteresis: 0, severity, criticalAt: null };
	const fields: Record<string, string> = {};
	if (threshold === null) fields.threshold = m.field_required();
	else if (criticalAt !== null && facts) {
		const isBeyond = facts.worse === 'above' ? criticalAt > threshold : criticalAt < threshold;
		if (!isBeyond)
			fields.critical_at =
				facts.worse === 'above' ? m.alert_rule_critical_above() : m.alert_rule_critical_below();
		else if (!isWorse('critical', severity)) fields.critical_at = m.alert_rule_critical_already();
	}
	if (threshold !== null && facts?.worse === 'above' && hysteresis > threshold)
		fields.hysteresis = m.alert_rule_hysteresis_too_large();
	if (Object.keys(fields).length > 0) throw new AppError('BAD_INPUT', { fields });
	return {
		...{ threshold, hysteresis, severity, criticalAt },
		samples: facts?.hasHistory === false ? 1 : samples
	};
}

function termsOf({ threshold, samples, hysteresis, severity, criticalAt }: AlertRule): RuleTerms {
	return { threshold, samples, hysteresis, severity, criticalAt };
}

/** `own.node-cpu-2`: the first that nobody has, alerts of the past included. */
async function freeKey(tx: Tx, metric: string): Promise<string> {
	await lock(tx, 'alert-rule-key');
	const stem = `own.${metric.replaceAll(/[._]/g, '-')}`;
	const [row] = await tx.$queryRaw<{ last: number | null }[]>`
		SELECT max(substring(key FROM '[0-9]+$')::int) AS last FROM (
			SELECT key FROM alert_rules UNION SELECT rule FROM alerts) used
		WHERE left(key, ${stem.length + 1}::int) = ${`${stem}-`} AND key ~ '-[0-9]+$'`;
	return `${stem}-${(row?.last ?? 0) + 1}`;
}

function shown({ key, metric, threshold, samples, hysteresis, ...rest }: AlertRule) {
	const { severity, criticalAt, enabled, channels } = rest;
	return {
		...{ key, metric, threshold, samples, hysteresis, severity },
		...{ criticalAt, enabled, channels: channels.join(', ') }
	};
}
