import { m } from '#i18n/paraglide/messages.js';
import { getLocale } from '#i18n/paraglide/runtime.js';
import { duration } from '#lib/ui/format.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { measuredSentence } from './alerts/metricWords.ts';
import { MOVE_SENTENCES } from './moveSentences.ts';
import {
	containerAct,
	inLanguage,
	invoiceAct,
	ruleOf,
	text,
	type Language,
	type Values
} from './sentenceParts.ts';

/** Names of what a plan limits. */
const LIMITED: Record<string, (values: object, options: Language) => string> = {
	users: m.limits_users,
	disk_gb: m.limits_disk_gb,
	domains: m.limits_domains,
	backups: m.limits_backups,
	members: m.limits_members,
	instances: m.limits_instances
};

/** What comes after the days of grace, by the act. */
const AFTER_GRACE: Record<string, (values: { until: string }, options: Language) => string> = {
	refuse: m.notification_limit_over_refuse,
	read_only: m.notification_limit_over_read_only,
	suspend: m.notification_limit_over_suspend
};

const LIMIT_ACTS: Record<string, typeof m.notification_limit_act_refuse> = {
	refuse: m.notification_limit_act_refuse,
	read_only: m.notification_limit_act_read_only,
	suspend: m.notification_limit_act_suspend
};

function limitValues(v: Values, options: Language) {
	return {
		slug: text(v.slug),
		resource: LIMITED[text(v.resource)]?.({}, options) ?? text(v.resource),
		used: text(v.used),
		limit: text(v.limit)
	};
}

/** Of each kind the sentence that a person reads; alerts are told under their rule. */
const SENTENCES: Record<string, (values: Values, options: Language) => string> = {
	...MOVE_SENTENCES,
	invoice_act_waits: (v, options) =>
		m.notification_invoice_act_waits(
			{ by: text(v.by), what: invoiceAct(v.kind, options), number: text(v.number) },
			options
		),
	invoice_act_rejected: (v, options) =>
		m.notification_invoice_act_rejected({ by: text(v.by), reason: text(v.reason) }, options),
	invoice_act_failed: (v, options) =>
		m.notification_invoice_act_failed(
			{ what: invoiceAct(v.kind, options), number: text(v.number) },
			options
		),
	container_act_failed: (v, options) =>
		m.notification_container_act_failed(
			{ what: containerAct(v.act, options), hostname: text(v.hostname), vmid: text(v.vmid) },
			options
		),
	failed_over: (v, options) =>
		m.notification_failed_over(
			{
				subdomain: text(v.slug),
				downtime: duration(Number(v.ms), options.locale ?? getLocale())
			},
			options
		),
	tenant_ready: (v, options) => m.notification_tenant_ready({ slug: text(v.slug) }, options),
	tenant_request_closed: (v, options) =>
		m.notification_tenant_request_closed({ slug: text(v.slug), company: text(v.company) }, options),
	tenant_request_cancelled: (v, options) =>
		m.notification_tenant_request_cancelled(
			{ slug: text(v.slug), company: text(v.company) },
			options
		),
	// Said beside the alert until that said it all; old rows are still read.
	tenant_waits_for_room: (v, options) =>
		m.notification_tenant_waits_for_room({ slug: text(v.slug), company: text(v.company) }, options),
	'provisioning.no-capacity': (v, options) =>
		m.notification_provisioning_no_capacity(
			{ slug: text(v.slug), company: text(v.company) },
			options
		),
	'provisioning.failed': (v, options) =>
		m.notification_provisioning_failed({ slug: text(v.slug), step: text(v.step) }, options),
	'provisioning.delete-failed': (v, options) =>
		m.notification_provisioning_delete_failed({ step: text(v.step) }, options),
	'provisioning.tenant-down': (v, options) =>
		m.notification_provisioning_tenant_down({ slug: text(v.slug) }, options),
	'provisioning.tunnel-silent': (v, options) =>
		m.notification_provisioning_tunnel_silent(
			{ tunnel: text(v.tunnel), count: text(v.count) },
			options
		),
	'provisioning.left-behind': (v, options) =>
		m.notification_provisioning_left_behind({ step: text(v.step) }, options),
	limit_near: (v, options) =>
		m.notification_limit_near({ ...limitValues(v, options), step: text(v.step) }, options),
	limit_over: (v, options) => {
		const after = AFTER_GRACE[text(v.act)];
		const what = after
			? after({ until: text(v.until) }, options)
			: m.notification_limit_over_tell({}, options);
		return m.notification_limit_over({ ...limitValues(v, options), what }, options);
	},
	limit_act: (v, options) =>
		(LIMIT_ACTS[text(v.act)] ?? m.notification_limit_act_refuse)(limitValues(v, options), options),
	limit_lift: (v, options) => m.notification_limit_lift(limitValues(v, options), options),
	plan_applied: (v, options) =>
		m.notification_plan_applied({ slug: text(v.slug), plan: text(v.plan) }, options),
	domain_verified: (v, options) =>
		m.notification_domain_verified({ domain: text(v.domain) }, options),
	domain_broken: (v, options) =>
		m.notification_domain_broken(
			{
				domain: text(v.domain),
				reason: text(inLanguage(options, v.reason_es, v.reason_en)),
				fallback: text(v.fallback)
			},
			options
		),
	domain_restored: (v, options) =>
		m.notification_domain_restored({ domain: text(v.domain) }, options),
	domain_unproven: (v, options) =>
		m.notification_domain_unproven({ domain: text(v.domain), until: text(v.until) }, options),
	domain_lost: (v, options) =>
		m.notification_domain_lost({ domain: text(v.domain), fallback: text(v.fallback) }, options),
	'domains.provider-paused': (v, options) =>
		m.notification_domains_provider_paused({ vendor: text(v.vendor) }, options),
	'domains.ingress-differs': (v, options) =>
		m.notification_domains_ingress_differs(
			{ tunnel: text(v.tunnel), hurt: text(v.hurt), added: text(v.added) },
			options
		),
	'domains.tunnel-down': (v, options) =>
		m.notification_domains_tunnel_down({ tunnel: text(v.tunnel) }, options),
	drain_done: (v, options) =>
		m.notification_drain_done({ node: text(v.node), moved: text(v.moved) }, options),
	alerts_many: (v, options) =>
		m.notification_alerts_many({ count: text(v.count), rule: ruleOf(v, options) }, options),
	'notifications.webhook-paused': (v, options) =>
		m.notification_webhook_paused({ name: text(v.name), days: text(v.days) }, options),
	'provisioning.probe-blind': (v, options) =>
		m.notification_provisioning_probe_blind(
			{ silent: text(v.silent), looks: text(v.looks) },
			options
		),
	'infrastructure.node-offline': (v, options) =>
		m.notification_infrastructure_node_offline({ node: text(v.node) }, options),
	'infrastructure.node-unwell': (v, options) =>
		m.notification_infrastructure_node_unwell(
			{
				node: text(v.node),
				problems: text(inLanguage(options, v.problems_es, v.problems_en))
			},
			options
		),
	'infrastructure.failed-over': (v, options) =>
		m.notification_infrastructure_failed_over(
			{
				...{ vmid: text(v.vmid), hostname: text(v.hostname) },
				...{ from: text(v.from), to: text(v.to) }
			},
			options
		),
	'infrastructure.container-missing': (v, options) =>
		m.notification_infrastructure_container_missing(
			{
				vmid: text(v.vmid),
				hostname: text(v.hostname)
			},
			options
		),
	'infrastructure.database-server-down': (v, options) =>
		m.notification_infrastructure_database_server_down(
			{ vmid: text(v.vmid), hostname: text(v.hostname), count: text(v.count) },
			options
		),
	'billing.dunning-friendly': (_v, options) => m.notification_dunning_friendly({}, options),
	'billing.dunning-reminder': (_v, options) => m.notification_dunning_reminder({}, options),
	'billing.dunning-warning': (_v, options) => m.notification_dunning_warning({}, options),
	'billing.dunning-last': (_v, options) => m.notification_dunning_last({}, options),
	'billing.dunning-read_only': (_v, options) => m.notification_dunning_read_only({}, options),
	'billing.dunning-suspend': (_v, options) => m.notification_dunning_suspend({}, options),
	'billing.dunning-delete': (_v, options) => m.notification_dunning_delete({}, options),
	'billing.dunning-restored': (_v, options) => m.notification_dunning_restored({}, options),
	'billing.dunning-stuck': (v, options) =>
		m.notification_dunning_failed({ message: text(v.message) }, options),
	'billing.refund-failed': (_v, options) => m.notification_billing_refund_failed({}, options),
	'billing.charge-differs': (_v, options) => m.notification_billing_charge_differs({}, options),
	'billing.refund-late': (_v, options) => m.notification_billing_refund_late({}, options),
	'billing.refund-stuck': (v, options) =>
		m.notification_billing_refund_stuck({ message: text(v.message) }, options)
};

/**
 * What a notification or an alert says, in the language of the request where no other is asked for. A kind that nobody wrote a sentence for is shown
 * by its name rather than hidden.
 * @param kind of a notification, or the rule of an alert
 * @param data what was kept with it
 */
export function notificationSentence(kind: string, data: unknown, options: Language = {}): string {
	const values = factsOf(data);
	const sentence = SENTENCES[kind]?.(values, options) ?? measuredSentence(values, options);
	return sentence ?? m.notification_other({ kind }, options);
}

/** What was kept with a notification or an alert, by name. */
export function factsOf(data: unknown): Record<string, Prisma.JsonValue> {
	return typeof data === 'object' && data !== null ? { ...data } : {};
}

/** Where it leads when nothing else was said: to the page of what an alert is about. */
export function subjectHref(data: unknown): string | null {
	const { subjectType, subjectId } = factsOf(data);
	if (typeof subjectType !== 'string' || typeof subjectId !== 'string') return null;
	if (subjectType === 'provider') return `/admin/settings?tab=${subjectId}`;
	if (subjectType === 'container') return '/admin/infrastructure?tab=containers';
	const page = PAGES[subjectType];
	return page ? `${page}/${subjectId}` : null;
}

/** Where staff find what an alert is about. */
const PAGES: Record<string, string | undefined> = {
	tenant: '/admin/tenants',
	tunnel: '/admin/tunnels',
	node: '/admin/infrastructure/nodes',
	domain: '/admin/domains',
	webhook: '/admin/settings/webhooks',
	subscription: '/admin/billing/subscriptions',
	invoice: '/admin/billing/invoices',
	'refund-order': '/admin/billing/refunds',
	'dunning-case': '/admin/billing/dunning'
};
