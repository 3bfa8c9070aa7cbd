import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { CallStatus } from '#prisma/generated/enums.ts';

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
