import { m } from '#i18n/paraglide/messages.js';
import type { MailLocale } from '../locale.ts';

type Language = { locale?: MailLocale };

/** What code opens an alert for by itself, by the key of its rule: no metric says it. */
const EVENTS: Record<string, (values: object, options: Language) => string> = {
	'infrastructure.node-unwell': m.alert_event_node_unwell,
	'infrastructure.failed-over': m.alert_event_failed_over,
	'infrastructure.container-missing': m.alert_event_container_missing,
	'infrastructure.database-server-down': m.alert_event_database_server_down,
	'domains.provider-paused': m.alert_event_provider_paused,
	'domains.ingress-differs': m.alert_event_ingress_differs,
	'domains.tunnel-down': m.alert_event_tunnel_down,
	'notifications.webhook-paused': m.alert_event_webhook_paused,
	'billing.charge-differs': m.alert_event_charge_differs,
	'billing.refund-failed': m.alert_event_refund_failed,
	'billing.refund-late': m.alert_event_refund_late,
	'billing.refund-stuck': m.alert_event_refund_stuck,
	'provisioning.failed': m.alert_event_setup_failed,
	'provisioning.delete-failed': m.alert_event_delete_failed,
	'provisioning.left-behind': m.alert_event_left_behind,
	'provisioning.move-failed': m.alert_event_move_failed,
	'provisioning.tenant-move-failed': m.alert_event_tenant_move_failed,
	'provisioning.move-left-behind': m.alert_event_move_left_behind,
	'provisioning.plan-is-a-move': m.alert_event_plan_is_a_move,
	'provisioning.plan-has-no-room': m.alert_event_plan_has_no_room,
	'provisioning.plan-move-failed': m.alert_event_plan_move_failed,
	'provisioning.tenant-down': m.alert_event_tenant_down,
	'provisioning.tunnel-silent': m.alert_event_tunnel_silent,
	'provisioning.probe-blind': m.alert_event_probe_blind
};

/** What happened, of a rule without a metric; one that nobody named, by its own key. */
export function eventLabel(rule: string, options: Language = {}): string {
	return EVENTS[rule]?.({}, options) ?? rule;
}
