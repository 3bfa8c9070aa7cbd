import { m } from '#i18n/paraglide/messages.js';
import { getLocale } from '#i18n/paraglide/runtime.js';
import { duration, number, percent } from '#lib/ui/format.ts';
import type { MailLocale } from '../locale.ts';
import { eventLabel } from './eventWords.ts';

export type AlertUnit = 'percent' | 'days' | 'milliseconds' | 'intervals' | 'yes_no';

/** What a metric is, for pages as well as for the evaluation. */
export interface AlertMetricFacts {
	/** `node.cpu` */
	name: string;
	unit: AlertUnit;
	subjectType: 'node' | 'container' | 'tenant' | 'domain';
	/** On which side of the threshold it is bad. */
	worse: 'above' | 'below';
	/** Several samples can be asked of it; the others are what they are at the moment. */
	hasHistory: boolean;
}

type Language = { locale?: MailLocale };

const LABELS: Record<string, (values: object, options: Language) => string> = {
	'node.cpu': m.alert_metric_node_cpu,
	'node.ram': m.alert_metric_node_ram,
	'node.disk': m.alert_metric_node_disk,
	'node.disk_days': m.alert_metric_node_disk_days,
	'node.offline': m.alert_metric_node_offline,
	'node.certificate_days': m.alert_metric_node_certificate_days,
	'container.cpu': m.alert_metric_container_cpu,
	'container.ram': m.alert_metric_container_ram,
	'container.disk': m.alert_metric_container_disk,
	'container.replication_age': m.alert_metric_container_replication_age,
	'container.disk_days': m.alert_metric_container_disk_days,
	'tenant.latency': m.alert_metric_tenant_latency,
	'tenant.backup_age': m.alert_metric_tenant_backup_age,
	'tenant.waits_for_room': m.alert_metric_tenant_waits_for_room,
	'domain.certificate_days': m.alert_metric_domain_certificate_days
};

/** What a metric is called; one that nobody named, by its own name. */
export function metricLabel(name: string, options: Language = {}): string {
	return LABELS[name]?.({}, options) ?? name;
}

/** A value with its unit: "91 %", "9 días", "3 s". */
export function metricValue(value: number, unit: AlertUnit, options: Language = {}): string {
	const locale = options.locale ?? getLocale();
	if (unit === 'percent') return percent(value / 100, locale);
	if (unit === 'milliseconds') return duration(value, locale);
	if (unit === 'yes_no') return value > 0 ? m.ui_yes({}, options) : m.ui_no({}, options);
	const count = number(value, locale, 1);
	return unit === 'days'
		? m.alert_unit_days({ count }, options)
		: m.alert_unit_intervals({ count }, options);
}

const UNIT_SIGNS: Record<AlertUnit, () => string> = {
	percent: () => '%',
	days: m.alert_unit_sign_days,
	milliseconds: () => 'ms',
	intervals: m.alert_unit_sign_intervals,
	yes_no: () => ''
};

/** What stands behind the number in a field. */
export function unitSign(unit: AlertUnit): string {
	return UNIT_SIGNS[unit]();
}

/** What a rule watches for: "CPU del nodo: más de 80 %"; of one without a metric, what happened. */
export function ruleTitle(
	{ key, metric, threshold }: { key: string; metric: string | null; threshold: number | null },
	facts: Pick<AlertMetricFacts, 'unit' | 'worse'> | undefined,
	options: Language = {}
): string {
	if (metric === null) return eventLabel(key, options);
	const label = metricLabel(metric, options);
	if (!facts || threshold === null || facts.unit === 'yes_no') return label;
	const limit = metricValue(threshold, facts.unit, options);
	return facts.worse === 'above'
		? m.alert_rule_above({ metric: label, limit }, options)
		: m.alert_rule_below({ metric: label, limit }, options);
}

/** What an alert of a rule says: its facts are those that the evaluation wrote. Null: others wrote them. */
export function measuredSentence(
	data: Record<string, unknown>,
	options: Language = {}
): string | null {
	const { metric, unit, subject, value, threshold } = data;
	if (typeof metric !== 'string' || typeof subject !== 'string' || !isUnit(unit)) return null;
	const words = { metric: metricLabel(metric, options), subject };
	if (typeof value !== 'number' || typeof threshold !== 'number')
		return m.alert_sentence_yes(words, options);
	return m.alert_sentence_measured(
		{
			...words,
			value: metricValue(value, unit, options),
			limit: metricValue(threshold, unit, options)
		},
		options
	);
}

export function isUnit(unit: unknown): unit is AlertUnit {
	return typeof unit === 'string' && Object.hasOwn(UNIT_SIGNS, unit);
}
