import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';

const STATES = {
	applied: { label: m.stripe_event_applied, tone: 'success' },
	ignored: { label: m.stripe_event_ignored, tone: 'neutral' },
	unknown_object: { label: m.stripe_event_unknown, tone: 'neutral' },
	failed: { label: m.stripe_event_failed, tone: 'danger' },
	waiting: { label: m.stripe_event_pending, tone: 'warning' }
} satisfies Record<string, { label: () => string; tone: Tone }>;
type EventState = keyof typeof STATES;

export const EVENT_STATES = Object.keys(STATES).filter(isEventState);

export function isEventState(state: string): state is EventState {
	return Object.hasOwn(STATES, state);
}

/** What came of an event, for Badge. */
export function eventState(event: {
	processed: boolean;
	outcome: string | null;
	error: string | null;
}): { label: string; tone: Tone; state: EventState } {
	const state = event.processed
		? isEventState(event.outcome ?? '') && event.outcome
		: event.error
			? 'failed'
			: 'waiting';
	const known = state && isEventState(state) ? state : 'applied';
	return { state: known, label: STATES[known].label(), tone: STATES[known].tone };
}
