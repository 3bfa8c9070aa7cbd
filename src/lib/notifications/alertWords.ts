import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { AlertSeverity } from '#prisma/generated/enums.ts';

const SEVERITIES: Record<AlertSeverity, { tone: Tone; label: () => string }> = {
	info: { tone: 'info', label: m.alert_info },
	warning: { tone: 'warning', label: m.alert_warning },
	critical: { tone: 'danger', label: m.alert_critical }
};

export const ALERT_SEVERITIES = ['critical', 'warning', 'info'] as const;

/** How serious an alert is, for Badge. */
export function alertSeverity(severity: AlertSeverity): { tone: Tone; label: string } {
	return { tone: SEVERITIES[severity].tone, label: SEVERITIES[severity].label() };
}
