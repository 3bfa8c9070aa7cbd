import { m } from '#i18n/paraglide/messages.js';

type Values = Record<string, unknown>;

/** Of each kind the sentence that a person reads; alerts are told under their rule. */
const SENTENCES: Record<string, (values: Values) => string> = {
	tenant_ready: (v) => m.notification_tenant_ready({ slug: text(v.slug) }),
	tenant_request_closed: (v) =>
		m.notification_tenant_request_closed({ slug: text(v.slug), company: text(v.company) }),
	tenant_request_cancelled: (v) =>
		m.notification_tenant_request_cancelled({ slug: text(v.slug), company: text(v.company) }),
	// Said beside the alert until that said it all; old rows are still read.
	tenant_waits_for_room: (v) =>
		m.notification_tenant_waits_for_room({ slug: text(v.slug), company: text(v.company) }),
	'provisioning.no-capacity': (v) =>
		m.notification_provisioning_no_capacity({ slug: text(v.slug), company: text(v.company) }),
	'provisioning.failed': (v) =>
		m.notification_provisioning_failed({ slug: text(v.slug), step: text(v.step) }),
	'provisioning.delete-failed': (v) =>
		m.notification_provisioning_delete_failed({ step: text(v.step) }),
	'provisioning.tenant-down': (v) =>
		m.notification_provisioning_tenant_down({ slug: text(v.slug) }),
	'provisioning.left-behind': (v) =>
		m.notification_provisioning_left_behind({ step: text(v.step) }),
	'infrastructure.node-offline': (v) =>
		m.notification_infrastructure_node_offline({ node: text(v.node) }),
	'infrastructure.container-missing': (v) =>
		m.notification_infrastructure_container_missing({
			vmid: text(v.vmid),
			hostname: text(v.hostname)
		}),
	'billing.refund-failed': () => m.notification_billing_refund_failed(),
	'billing.refund-late': () => m.notification_billing_refund_late(),
	'billing.refund-stuck': (v) => m.notification_billing_refund_stuck({ message: text(v.message) })
};

/**
 * What a notification or an alert says, in the language of the request. A kind that nobody wrote a sentence for is shown
 * by its name rather than hidden.
 * @param kind of a notification, or the rule of an alert
 * @param data what was kept with it
 */
export function notificationSentence(kind: string, data: unknown): string {
	const values: Values = typeof data === 'object' && data !== null ? { ...data } : {};
	return (SENTENCES[kind] ?? (() => m.notification_other({ kind })))(values);
}

/** Where it leads when nothing else was said: to the page of what an alert is about. */
export function subjectHref(data: unknown): string | null {
	if (typeof data !== 'object' || data === null) return null;
	const { subjectType, subjectId }: Values = { ...data };
	if (typeof subjectType !== 'string' || typeof subjectId !== 'string') return null;
	if (subjectType === 'node') return '/admin/infrastructure';
	if (subjectType === 'container') return '/admin/infrastructure?tab=containers';
	const page = PAGES[subjectType];
	return page ? `${page}/${subjectId}` : null;
}

/** Where staff find what an alert is about. */
const PAGES: Record<string, string | undefined> = {
	tenant: '/admin/tenants',
	'refund-order': '/admin/billing/refunds'
};

function text(value: unknown): string {
	return typeof value === 'string' || typeof value === 'number' ? String(value) : '—';
}
