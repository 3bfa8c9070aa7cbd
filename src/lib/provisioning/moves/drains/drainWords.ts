import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import { DrainStatus, type MoveStatus } from '#prisma/generated/enums.ts';
import type { Look } from '../../words.ts';
import type { StayReason } from './drainPlan.ts';

const STATUSES: Record<DrainStatus, { label: () => string; tone: Tone; pulse?: boolean }> = {
	running: { label: m.drain_status_running, tone: 'info', pulse: true },
	paused: { label: m.drain_status_paused, tone: 'warning' },
	done: { label: m.drain_status_done, tone: 'success' },
	cancelled: { label: m.drain_status_cancelled, tone: 'neutral' }
};

/** Where a drain stands, for Badge. @param notBefore when it begins; one that has not begun is scheduled */
export function drainStatus(status: DrainStatus, notBefore: Date | null, at: number): Look {
	if (status === 'running' && notBefore && notBefore.getTime() > at)
		return { label: m.drain_status_scheduled(), tone: 'neutral' };
	const { label, ...look } = STATUSES[status];
	return { ...look, label: label() };
}

export const DRAIN_STATUSES = Object.values(DrainStatus);

const STAYS: Record<StayReason, () => string> = {
	template: m.drain_stay_template,
	adopted: m.drain_stay_adopted,
	postgres: m.drain_stay_postgres,
	warm: m.drain_stay_warm,
	being_made: m.drain_stay_being_made,
	retiring: m.drain_stay_retiring,
	error: m.drain_stay_error
};

/** Why a container stays on a node that is emptied. */
export function staySentence(reason: StayReason): string {
	return STAYS[reason]();
}

/** How far a drain is: moves that went, and all of them but those that stay. */
export function drainProgress(counts: Partial<Record<MoveStatus, number>>): {
	done: number;
	total: number;
} {
	const of = (...statuses: MoveStatus[]) =>
		statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
	const done = of('succeeded', 'confirming');
	return { done, total: done + of('planned', 'running', 'failed', 'rolled_back') };
}
