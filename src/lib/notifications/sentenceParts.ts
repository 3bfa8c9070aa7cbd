import { m } from '#i18n/paraglide/messages.js';
import { getLocale } from '#i18n/paraglide/runtime.js';
import { eventLabel } from './alerts/eventWords.ts';
import { isUnit, metricLabel, metricValue } from './alerts/metricWords.ts';
import type { MailLocale } from './locale.ts';

export type Values = Record<string, unknown>;
export type Language = { locale?: MailLocale };

/** Of what was kept in both languages the one that is read. */
export function inLanguage({ locale }: Language, es: unknown, en: unknown): unknown {
	return (locale ?? getLocale()) === 'en' ? en : es;
}

/** A fact as it stands in a sentence. */
export function text(value: unknown): string {
	return typeof value === 'string' || typeof value === 'number' ? String(value) : '—';
}

/** What a rule watches, as far as was kept: "CPU del nodo (80 %)". */
export function ruleOf({ metric, unit, threshold, rule }: Values, options: Language): string {
	if (typeof metric !== 'string') return eventLabel(text(rule), options);
	const label = metricLabel(metric, options);
	if (!isUnit(unit) || typeof threshold !== 'number') return label;
	return `${label} (${metricValue(threshold, unit, options)})`;
}

const INVOICE_ACTS: Record<string, (values: object, options: Language) => string> = {
	retry: m.invoice_act_retry,
	mark_paid: m.invoice_act_mark_paid,
	void: m.invoice_act_void,
	refund: m.invoice_act_refund,
	credit_note: m.invoice_act_credit_note
};

export function invoiceAct(kind: unknown, options: Language): string {
	return INVOICE_ACTS[text(kind)]?.({}, options) ?? text(kind);
}

/** What is asked of containers, as a verb: "Reiniciar". */
export const CONTAINER_ACTS = {
	start: m.container_act_start,
	stop: m.container_act_stop,
	restart: m.container_act_restart,
	resize: m.container_act_resize,
	snapshot: m.container_act_snapshot,
	rollback: m.container_act_rollback,
	delete_snapshot: m.container_act_delete_snapshot
};

export function containerAct(act: unknown, options: Language): string {
	const words: Record<string, (values: object, options: Language) => string> = CONTAINER_ACTS;
	return words[text(act)]?.({}, options) ?? text(act);
}
