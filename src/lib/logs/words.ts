import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { CallStatus, LogLevel } from '#prisma/generated/enums.ts';

const CALLS: Record<CallStatus, { label: () => string; tone: Tone }> = {
	pending: { label: m.call_status_pending, tone: 'info' },
	succeeded: { label: m.call_status_succeeded, tone: 'success' },
	failed: { label: m.call_status_failed, tone: 'danger' },
	unknown: { label: m.call_status_unknown, tone: 'warning' }
};

/** What became of a vendor call, for Badge. */
export function callStatus(status: CallStatus): { label: string; tone: Tone } {
	return { label: CALLS[status].label(), tone: CALLS[status].tone };
}

export const CALL_STATUSES = Object.keys(CALLS).filter(isCallStatus);

export function isCallStatus(status: string): status is CallStatus {
	return Object.hasOwn(CALLS, status);
}

const ACTIONS: Record<string, () => string> = {
	'billing.cancel-subscription': m.audit_billing_cancel_subscription,
	'billing.create-subscription': m.audit_billing_create_subscription,
	'billing.create-coupon': m.audit_billing_create_coupon,
	'billing.deactivate-coupon': m.audit_billing_deactivate_coupon,
	'billing.retry-coupon': m.audit_billing_retry_coupon,
	'billing.order-refund': m.audit_billing_order_refund,
	'billing.refund-status': m.audit_billing_refund_status,
	'billing.invoice-retry': m.audit_billing_invoice_retry,
	'billing.invoice-mark-paid': m.audit_billing_invoice_mark_paid,
	'billing.invoice-void': m.audit_billing_invoice_void,
	'billing.invoice-refund': m.audit_billing_invoice_refund,
	'billing.invoice-credit-note': m.audit_billing_invoice_credit_note,
	'billing.approve-act': m.audit_billing_approve_act,
	'billing.reject-act': m.audit_billing_reject_act,
	'billing.retry-act': m.audit_billing_retry_act,
	'billing.act-status': m.audit_billing_act_status,
	'billing.invoice-status': m.audit_billing_invoice_status,
	'billing.send-refund-again': m.audit_billing_send_refund_again,
	'billing.subscription-status': m.audit_billing_subscription_status,
	'customers.become-active': m.audit_customers_become_active,
	'customers.become-inactive': m.audit_customers_become_inactive,
	'customers.become-deleted': m.audit_customers_become_deleted,
	'customers.create': m.audit_customers_create,
	'customers.edit': m.audit_customers_edit,
	'customers.erase': m.audit_customers_erase,
	'customers.begin-import': m.audit_customers_begin_import,
	'customers.start-import': m.audit_customers_start_import,
	'customers.cancel-import': m.audit_customers_cancel_import,
	'domains.add': m.audit_domains_add,
	'domains.add-base': m.audit_domains_add_base,
	'domains.edit-base': m.audit_domains_edit_base,
	'domains.make-base-default': m.audit_domains_make_base_default,
	'domains.remove-base': m.audit_domains_remove_base,
	'domains.add-edge-server': m.audit_domains_add_edge_server,
	'domains.edit-edge-server': m.audit_domains_edit_edge_server,
	'domains.remove-edge-server': m.audit_domains_remove_edge_server,
	'domains.change-records': m.audit_domains_change_records,
	'domains.retry-record': m.audit_domains_retry_record,
	'tunnels.add-host': m.audit_tunnels_add_host,
	'tunnels.edit-host': m.audit_tunnels_edit_host,
	'tunnels.remove-host': m.audit_tunnels_remove_host,
	'domains.create-tunnel': m.audit_domains_create_tunnel,
	'domains.enrol-tunnel': m.audit_domains_enrol_tunnel,
	'domains.set-tunnel-host': m.audit_domains_set_tunnel_host,
	'domains.reveal-tunnel-token': m.audit_domains_reveal_tunnel_token,
	'domains.restart-tunnel': m.audit_domains_restart_tunnel,
	'domains.delete-tunnel': m.audit_domains_delete_tunnel,
	'domains.repair-tunnel': m.audit_domains_repair_tunnel,
	'domains.activate': m.audit_domains_activate,
	'domains.deactivate': m.audit_domains_deactivate,
	'domains.remove': m.audit_domains_remove,
	'domains.make-primary': m.audit_domains_make_primary,
	'domains.end-primary': m.audit_domains_end_primary,
	'domains.prove': m.audit_domains_prove,
	'domains.lose': m.audit_domains_lose,
	'identity.accept_invitation': m.audit_identity_accept_invitation,
	'identity.change_role': m.audit_identity_change_role,
	'identity.transfer_ownership': m.audit_identity_transfer_ownership,
	'identity.invite': m.audit_identity_invite,
	'identity.remove_member': m.audit_identity_remove_member,
	'identity.resend_invitation': m.audit_identity_resend_invitation,
	'identity.revoke_invitation': m.audit_identity_revoke_invitation,
	'identity.add_staff': m.audit_identity_add_staff,
	'identity.change_password': m.audit_identity_change_password,
	'identity.change_email': m.audit_identity_change_email,
	'identity.create_token': m.audit_identity_create_token,
	'identity.disable_second_factor': m.audit_identity_disable_second_factor,
	'identity.end_sessions': m.audit_identity_end_sessions,
	'identity.enable_second_factor': m.audit_identity_enable_second_factor,
	'identity.login': m.audit_identity_login,
	'identity.login_failed': m.audit_identity_login_failed,
	'identity.logout': m.audit_identity_logout,
	'identity.renew_recovery_codes': m.audit_identity_renew_recovery_codes,
	'identity.revoke_session': m.audit_identity_revoke_session,
	'identity.revoke_token': m.audit_identity_revoke_token,
	'identity.step_up': m.audit_identity_step_up,
	'identity.switch_customer': m.audit_identity_switch_customer,
	'infrastructure.console-open': m.audit_infrastructure_console_open,
	'infrastructure.console-end': m.audit_infrastructure_console_end,
	'infrastructure.edit-node': m.audit_infrastructure_edit_node,
	'infrastructure.rotate-token': m.audit_infrastructure_rotate_token,
	'infrastructure.pin-fingerprints': m.audit_infrastructure_pin_fingerprints,
	'infrastructure.begin-maintenance': m.audit_infrastructure_begin_maintenance,
	'infrastructure.end-maintenance': m.audit_infrastructure_end_maintenance,
	'infrastructure.remove-node': m.audit_infrastructure_remove_node,
	'infrastructure.sweep': m.audit_infrastructure_sweep,
	'infrastructure.follow-container': m.audit_infrastructure_follow_container,
	'infrastructure.fail-over': m.audit_infrastructure_fail_over,
	'infrastructure.replace-standby': m.audit_infrastructure_replace_standby,
	'infrastructure.restore-ha': m.audit_infrastructure_restore_ha,
	'infrastructure.retry-ha': m.audit_infrastructure_retry_ha,
	'tenants.failed-over': m.audit_tenants_failed_over,
	'infrastructure.template-build': m.audit_template_build,
	'infrastructure.database-server-make': m.audit_database_server_make,
	'infrastructure.database-server-retry': m.audit_database_server_retry,
	'infrastructure.database-server-give-up': m.audit_database_server_give_up,
	'infrastructure.database-server-ready': m.audit_database_server_ready,
	'infrastructure.database-server-remove': m.audit_database_server_remove,
	'infrastructure.template-retry': m.audit_template_retry,
	'infrastructure.template-give-up': m.audit_template_give_up,
	'infrastructure.template-ready': m.audit_template_ready,
	'infrastructure.template-current': m.audit_template_current,
	'infrastructure.template-retire': m.audit_template_retire,
	'infrastructure.template-delete': m.audit_template_delete,
	'notifications.acknowledge': m.audit_notifications_acknowledge,
	'notifications.rule_add': m.audit_notifications_rule_add,
	'notifications.rule_edit': m.audit_notifications_rule_edit,
	'notifications.rule_remove': m.audit_notifications_rule_remove,
	'notifications.silence': m.audit_notifications_silence,
	'notifications.silence_end': m.audit_notifications_silence_end,
	'notifications.webhook_add': m.audit_notifications_webhook_add,
	'notifications.webhook_edit': m.audit_notifications_webhook_edit,
	'notifications.webhook_remove': m.audit_notifications_webhook_remove,
	'notifications.webhook_retry': m.audit_notifications_webhook_retry,
	'notifications.webhook_secret': m.audit_notifications_webhook_secret,
	'plans.archive': m.audit_plans_archive,
	'plans.create': m.audit_plans_create,
	'plans.edit': m.audit_plans_edit,
	'plans.new-version': m.audit_plans_new_version,
	'plans.repair-stripe': m.audit_plans_repair_stripe,
	'plans.restore': m.audit_plans_restore,
	'settings.reset': m.audit_settings_reset,
	'settings.save': m.audit_settings_save,
	'signups.pay': m.audit_signups_pay,
	'signups.refund': m.audit_signups_refund,
	'tenants.activate': m.audit_tenants_activate,
	'tenants.apply-plan': m.audit_tenants_apply_plan,
	'tenants.ask-read-only': m.audit_tenants_ask_read_only,
	'tenants.become-read-only': m.audit_tenants_become_read_only,
	'tenants.become-writable': m.audit_tenants_become_writable,
	'tenants.lift-read-only': m.audit_tenants_lift_read_only,
	'tenants.cancel-request': m.audit_tenants_cancel_request,
	'infrastructure.warm-pool': m.audit_pool_target,
	'infrastructure.release-pools': m.audit_pool_release,
	'infrastructure.retry-pool': m.audit_pool_retry,
	'infrastructure.give-up-warm': m.audit_pool_give_up,
	'infrastructure.take-warm': m.audit_pool_take,
	'infrastructure.container-start': m.audit_container_start,
	'infrastructure.container-stop': m.audit_container_stop,
	'infrastructure.container-restart': m.audit_container_restart,
	'infrastructure.container-resize': m.audit_container_resize,
	'infrastructure.container-snapshot': m.audit_container_snapshot,
	'infrastructure.container-rollback': m.audit_container_rollback,
	'infrastructure.container-delete-snapshot': m.audit_container_delete_snapshot,
	'infrastructure.container-retry': m.audit_container_retry,
	'infrastructure.move-container': m.audit_move_container,
	'infrastructure.container-moved': m.audit_container_moved,
	'infrastructure.cancel-move': m.audit_cancel_move,
	'infrastructure.retry-move': m.audit_retry_move,
	'infrastructure.confirm-move': m.audit_confirm_move,
	'tenants.move': m.audit_tenants_move,
	'tenants.move-switched': m.audit_tenants_move_switched,
	'tenants.move-begin': m.audit_tenants_move_begin,
	'tenants.move-confirm': m.audit_tenants_move_confirm,
	'tenants.move-retry': m.audit_tenants_move_retry,
	'tenants.move-cancel': m.audit_tenants_move_cancel,
	'tenants.moved': m.audit_tenants_moved,
	'infrastructure.drain-node': m.audit_drain_node,
	'infrastructure.begin-drain': m.audit_drain_begin,
	'infrastructure.pause-drain': m.audit_drain_pause,
	'infrastructure.resume-drain': m.audit_drain_resume,
	'infrastructure.cancel-drain': m.audit_drain_cancel,
	'infrastructure.skip-drain-move': m.audit_drain_skip,
	'infrastructure.container-act-succeeded': m.audit_container_act_succeeded,
	'infrastructure.container-act-failed': m.audit_container_act_failed,
	'tenants.close-request': m.audit_tenants_close_request,
	'tenants.compensate': m.audit_tenants_compensate,
	'tenants.create': m.audit_tenants_create,
	'tenants.delete': m.audit_tenants_delete,
	'tenants.deleted': m.audit_tenants_deleted,
	'tenants.reactivate': m.audit_tenants_reactivate,
	'tenants.refund': m.audit_tenants_refund,
	'tenants.request-password': m.audit_tenants_request_password,
	'tenants.retry': m.audit_tenants_retry,
	'tenants.reveal-password': m.audit_tenants_reveal_password,
	'tenants.set-password': m.audit_tenants_set_password,
	'tenants.send-payment-link': m.audit_tenants_send_payment_link,
	'tenants.suspend': m.audit_tenants_suspend,
	'tenants.undo-delete': m.audit_tenants_undo_delete,
	'vendors.retry': m.audit_vendors_retry
};

/** What was done, in words; an action that nobody named is shown by its own name. */
export function actionLabel(action: string): string {
	return ACTIONS[action]?.() ?? action;
}

export interface Change {
	name: string;
	before: string | null;
	after: string | null;
}

/** What an entry says that changed, field by field. */
export function changesOf(before: unknown, after: unknown): Change[] {
	const [was, is] = [fieldsOf(before), fieldsOf(after)];
	const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
	return names
		.map((name) => ({ name, before: written(was[name]), after: written(is[name]) }))
		.filter((change) => change.before !== change.after);
}

function fieldsOf(value: unknown): Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function written(value: unknown): string | null {
	if (value === undefined || value === null) return null;
	return typeof value === 'string' ? value : JSON.stringify(value);
}

const LEVELS: Record<LogLevel, { label: () => string; tone: Tone }> = {
	debug: { label: m.log_level_debug, tone: 'neutral' },
	info: { label: m.log_level_info, tone: 'info' },
	warning: { label: m.log_level_warning, tone: 'warning' },
	error: { label: m.log_level_error, tone: 'danger' }
};

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;

/** Who did something, as people read it: an address, or the product itself. */
export function actorWord(label: string): string {
	return label === 'system' ? m.log_source_system() : label;
}

/** How serious a line is, for StatusDot. */
export function logLevel(level: LogLevel): { label: string; tone: Tone } {
	return { label: LEVELS[level].label(), tone: LEVELS[level].tone };
}

export const LOG_SOURCES = ['provisioning', 'application', 'system'] as const;

const SOURCES: Record<string, () => string> = {
	provisioning: m.log_source_provisioning,
	application: m.log_source_application,
	system: m.log_source_system
};

/** Who wrote a line; a source that nobody named is shown by its own name. */
export function logSource(source: string): string {
	return SOURCES[source]?.() ?? source;
}
