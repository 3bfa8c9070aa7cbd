import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { DunningActKind } from '#prisma/generated/enums.ts';
import type { TimelineEntry } from './dunningTimeline.ts';

const ACTS: Record<DunningActKind, () => string> = {
	mail: m.dunning_act_mail,
	retry: m.dunning_act_retry,
	read_only: m.dunning_act_read_only,
	suspend: m.dunning_act_suspend,
	delete: m.dunning_act_delete
};

export const DUNNING_ACTS = Object.keys(ACTS).filter(isDunningAct);

export function isDunningAct(name: string): name is DunningActKind {
	return Object.hasOwn(ACTS, name);
}

export function dunningAct(act: DunningActKind): string {
	return ACTS[act]();
}

const TONES: Record<string, () => string> = {
	friendly: m.dunning_tone_friendly,
	reminder: m.dunning_tone_reminder,
	warning: m.dunning_tone_warning,
	last: m.dunning_tone_last
};

export function dunningTone(tone: string | null): string | null {
	return tone === null ? null : (TONES[tone]?.() ?? tone);
}

const STATES: Record<TimelineEntry['state'], { label: () => string; tone: Tone }> = {
	done: { label: m.dunning_state_done, tone: 'success' },
	skipped: { label: m.dunning_state_skipped, tone: 'neutral' },
	ordered: { label: m.dunning_state_ordered, tone: 'info' },
	due: { label: m.dunning_state_due, tone: 'info' },
	planned: { label: m.dunning_state_planned, tone: 'neutral' },
	held: { label: m.dunning_state_held, tone: 'warning' }
};

export function dunningState(state: TimelineEntry['state']): { label: string; tone: Tone } {
	return { label: STATES[state].label(), tone: STATES[state].tone };
}

const OUTCOMES: Record<string, { label: () => string; tone: Tone }> = {
	paid: { label: m.dunning_outcome_paid, tone: 'success' },
	voided: { label: m.dunning_outcome_voided, tone: 'neutral' },
	cancelled: { label: m.dunning_outcome_cancelled, tone: 'neutral' },
	ended: { label: m.dunning_outcome_ended, tone: 'danger' },
	stopped: { label: m.dunning_outcome_stopped, tone: 'neutral' }
};

/** What became of a case; open ones are `null`. */
export function dunningOutcome(outcome: string | null): { label: string; tone: Tone } {
	if (outcome === null) return { label: m.dunning_outcome_open(), tone: 'warning' };
	const known = OUTCOMES[outcome];
	return known ? { label: known.label(), tone: known.tone } : { label: outcome, tone: 'neutral' };
}

const HELD: Record<string, () => string> = {
	disputed: m.dunning_held_disputed,
	refunded: m.dunning_held_refunded,
	nothing_open: m.dunning_held_nothing_open
};

/** Why nothing happens at present. */
export function dunningHeld(held: string | null): string | null {
	return held === null ? null : (HELD[held]?.() ?? held);
}

const SKIPS: Record<string, () => string> = {
	late: m.dunning_skip_late,
	grace: m.dunning_skip_grace,
	stripe_retries: m.dunning_skip_stripe_retries,
	no_method: m.dunning_skip_no_method
};

/** Why something was or will be passed over; the bank's own words for a decline. */
export function dunningSkip(skip: string): string {
	return SKIPS[skip]?.() ?? m.dunning_skip_declined({ code: skip });
}

/** What came of a retry. */
export function dunningResult(detail: string): string {
	if (detail === 'paid') return m.dunning_result_paid();
	if (detail === 'no_method') return m.dunning_skip_no_method();
	if (detail === 'refused' || detail === 'unpaid') return m.dunning_result_unpaid();
	return m.dunning_result_declined({ code: detail });
}

const DELAYS: Record<NonNullable<TimelineEntry['delayedBy']>, () => string> = {
	paid_through: m.dunning_delay_paid_through,
	grace: m.dunning_delay_grace,
	distance: m.dunning_delay_distance
};

export function dunningDelay(delayedBy: TimelineEntry['delayedBy']): string | null {
	return delayedBy && DELAYS[delayedBy]();
}
