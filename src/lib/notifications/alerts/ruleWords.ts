import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import { ALERT_CHANNELS, type AlertChannel } from './ruleForms.ts';

const CHANNELS: Record<AlertChannel, { label: () => string; hint: () => string }> = {
	web: { label: m.alert_channel_web, hint: m.alert_channel_web_hint },
	mail: { label: m.alert_channel_mail, hint: m.alert_channel_mail_hint },
	webhook: { label: m.alert_channel_webhook, hint: m.alert_channel_webhook_hint }
};

/** By which ways a rule's alerts are told, in words. */
export function channelsText(channels: string[]): string {
	const labels = ALERT_CHANNELS.filter((name) => channels.includes(name)).map((name) =>
		CHANNELS[name].label()
	);
	return labels.join(', ') || m.alert_channel_none();
}

/** The ways that there are, for a form. */
export function channelChoices(): { name: AlertChannel; label: string; hint: string }[] {
	return ALERT_CHANNELS.map((name) => ({
		...{ name, label: CHANNELS[name].label() },
		hint: CHANNELS[name].hint()
	}));
}

/** How a rule is, for Badge. */
export function ruleState({ enabled }: { enabled: boolean }): { tone: Tone; label: string } {
	return enabled
		? { tone: 'success', label: m.alert_rule_on() }
		: { tone: 'neutral', label: m.alert_rule_off() };
}

const SUBJECTS: Record<string, () => string> = {
	node: m.alert_subject_node,
	container: m.alert_subject_container,
	tenant: m.alert_subject_tenant,
	domain: m.alert_subject_domain
};

/** What kind of thing an alert or a silence is about. */
export function subjectKind(type: string): string {
	return SUBJECTS[type]?.() ?? type;
}
