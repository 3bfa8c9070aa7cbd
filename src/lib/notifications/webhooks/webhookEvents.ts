import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { WebhookDeliveryStatus } from '#prisma/generated/enums.ts';

/** What an endpoint may listen to. */
export const WEBHOOK_EVENTS = [
	'alert.opened',
	'alert.escalated',
	'alert.acknowledged',
	'alert.closed'
] as const;

const EVENT_LABELS: Record<string, () => string> = {
	'alert.opened': m.webhook_event_alert_opened,
	'alert.escalated': m.webhook_event_alert_escalated,
	'alert.acknowledged': m.webhook_event_alert_acknowledged,
	'alert.closed': m.webhook_event_alert_closed,
	'webhook.test': m.webhook_event_test
};

export function webhookEventLabel(event: string): string {
	return EVENT_LABELS[event]?.() ?? event;
}

const STATUSES: Record<WebhookDeliveryStatus, { tone: Tone; label: () => string }> = {
	queued: { tone: 'info', label: m.webhook_status_queued },
	delivered: { tone: 'success', label: m.webhook_status_delivered },
	failed: { tone: 'danger', label: m.webhook_status_failed }
};

/** Where a delivery stands, for Badge. */
export function deliveryStatus(status: WebhookDeliveryStatus): { tone: Tone; label: string } {
	return { tone: STATUSES[status].tone, label: STATUSES[status].label() };
}

/** How an endpoint is, for Badge. */
export function endpointState(endpoint: {
	enabled: boolean;
	pausedAt: Date | null;
	failingSince: Date | null;
}): { tone: Tone; label: string } {
	if (endpoint.pausedAt) return { tone: 'danger', label: m.webhook_state_paused() };
	if (!endpoint.enabled) return { tone: 'neutral', label: m.webhook_state_off() };
	if (endpoint.failingSince) return { tone: 'warning', label: m.webhook_state_failing() };
	return { tone: 'success', label: m.webhook_state_on() };
}

const PROBLEMS: Record<string, () => string> = {
	off: m.webhook_error_off,
	scheme: m.webhook_url_https,
	credentials: m.webhook_url_credentials,
	private: m.webhook_url_private,
	private_address: m.webhook_error_private,
	redirect: m.webhook_error_redirect,
	status: m.webhook_error_status,
	nxdomain: m.webhook_error_nxdomain,
	nodata: m.webhook_error_nxdomain,
	dns: m.webhook_error_dns,
	refused: m.webhook_error_refused,
	timeout: m.webhook_error_timeout,
	tls: m.webhook_error_tls,
	lost: m.webhook_error_lost
};

/** Why a delivery did not arrive, in words; what nobody has words for as it is. */
export function webhookProblem(error: string): string {
	const [code = ''] = error.split(':');
	return PROBLEMS[code]?.() ?? error;
}
