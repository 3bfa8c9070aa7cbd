import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { HaState } from './haState.ts';

const STATES: Record<HaState, { label: () => string; tone: Tone }> = {
	ok: { label: m.ha_state_ok, tone: 'success' },
	stopped: { label: m.ha_state_stopped, tone: 'neutral' },
	preparing: { label: m.ha_state_pending, tone: 'info' },
	moving: { label: m.ha_state_moving, tone: 'info' },
	fence: { label: m.ha_state_fence, tone: 'warning' },
	late: { label: m.ha_state_late, tone: 'warning' },
	alone: { label: m.ha_state_alone, tone: 'warning' },
	nowhere: { label: m.ha_state_nowhere, tone: 'danger' },
	error: { label: m.ha_state_error, tone: 'danger' },
	unknown: { label: m.ha_state_unknown, tone: 'neutral' }
};

/** How safe a container is from the death of its node, for Badge. */
export function haState(state: HaState): { label: string; tone: Tone } {
	return { label: STATES[state].label(), tone: STATES[state].tone };
}
