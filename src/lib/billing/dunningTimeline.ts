import { atHour } from '#lib/core/dates.ts';
import type { DunningActKind } from '#prisma/generated/enums.ts';

/** One row of a policy. */
export interface Stage {
	id: string;
	/** Calendar days of the platform after the first failed payment. */
	day: number;
	act: DunningActKind;
	/** Of a mail: friendly, reminder, warning, last. */
	tone: string | null;
}

/** An act that is behind us: done, passed over, or on its way to Stripe. */
export interface PastAct {
	stageId: string;
	dueAt: Date;
	doneAt: Date;
	outcome: string;
	/** Why it was passed over, or what the bank said. */
	detail: string | null;
}

/** Everything that decides what happens next. */
export interface Facts {
	/** The payment that failed first. */
	startedAt: Date;
	/** Nothing is taken away before. */
	paidThrough: Date | null;
	/** Staff gave more time: nothing happens before. */
	graceUntil: Date | null;
	acts: readonly PastAct[];
	/** Nothing happens at all: `disputed`, `refunded`, `closed`. */
	held: string | null;
	/** Why trying the same card again is no use: the bank's word, or `no_method`. */
	noRetry: string | null;
	/** Stripe tries by itself, and when. */
	stripeRetriesAt: Date | null;
	/** The platform's zone, whose days are counted, and the hour of them at which things happen. */
	timeZone: string;
	hour: number;
}

export interface TimelineEntry extends Stage {
	/** When it was done, or when it will be if nothing changes. */
	at: Date;
	/** `due`: its time has come, and the worker is about to do it. */
	state: 'done' | 'skipped' | 'ordered' | 'due' | 'planned' | 'held';
	/** Why it is not on its day. */
	delayedBy: 'paid_through' | 'grace' | 'distance' | null;
	/** Why it was or will be passed over. */
	skip: string | null;
	/** What came of it. */
	detail: string | null;
}

/** A moment with the day of the policy that it stands for. */
interface Anchor {
	day: number;
	at: Date;
}

/** What takes something away from the customer. */
export const CUTS: readonly DunningActKind[] = ['read_only', 'suspend', 'delete'];
/** On one day money is asked for before anybody is told, and told before anything is taken away. */
const ORDER: readonly DunningActKind[] = ['retry', 'mail', 'read_only', 'suspend', 'delete'];
/** What is done this much later than planned was late, and moves what follows. */
const LATE_MS = 12 * 3_600_000;

/** Stages in the order in which they happen. */
export function inOrderOfDays<S extends Pick<Stage, 'day' | 'act'>>(stages: readonly S[]): S[] {
	return [...stages].sort((a, b) => a.day - b.day || ORDER.indexOf(a.act) - ORDER.indexOf(b.act));
}

/**
 * What has happened in a case of late payments and what will happen on which date. The worker, every page and the
 * simulator read this one function.
 *
 * - Nothing is taken away before the end of what is paid.
 * - A mail and whatever takes something away keep their distance in days to the one before: after a worker that stood
 *   still for weeks, or after more time was given, the rest moves along instead of coming down at once.
 * - Of mails or retries that have piled up only the last is done.
 */
export function timelineOf(stages: readonly Stage[], facts: Facts, now: Date): TimelineEntry[] {
	const ordered = inOrderOfDays(stages);
	const past = new Map(facts.acts.map((act) => [act.stageId, act]));
	const entries: TimelineEntry[] = [];
	let before: Anchor | null = null;
	for (const [position, stage] of ordered.entries()) {
		const act = past.get(stage.id);
		if (act) {
			entries.push(pastEntry(stage, act));
			if (stage.act !== 'retry' && act.outcome !== 'skipped') before = anchorOf(stage, act);
			continue;
		}
		const { at, delayedBy } = momentOf(stage, facts, before);
		const skip =
			skipOf(stage, facts, at, now) ?? pileUp(ordered, position, past, facts, before, now);
		const due = at.getTime() <= now.getTime();
		const late = due && now.getTime() - at.getTime() > LATE_MS;
		const shown = late && !skip ? now : at;
		entries.push({
			...stage,
			at: shown,
			state: facts.held ? 'held' : due ? 'due' : 'planned',
			delayedBy,
			skip,
			detail: null
		});
		if (stage.act !== 'retry' && !skip) before = { day: stage.day, at: shown };
	}
	return entries;
}

/** The next thing that will be done; null when nothing is left or everything is held. */
export function nextOf(timeline: readonly TimelineEntry[]): TimelineEntry | null {
	const open = timeline.filter(
		({ state, skip }) => (state === 'due' || state === 'planned') && !skip
	);
	return open.sort((a, b) => a.at.getTime() - b.at.getTime())[0] ?? null;
}

/** When an act of this kind comes (or came); null when the policy has none or it was passed over. */
export function whenOf(timeline: readonly TimelineEntry[], act: DunningActKind): Date | null {
	const found = timeline.find((entry) => entry.act === act && entry.skip === null);
	return found && found.state !== 'held' ? found.at : null;
}

function pastEntry(stage: Stage, act: PastAct): TimelineEntry {
	const skipped = act.outcome === 'skipped';
	return {
		...stage,
		at: act.doneAt,
		state: skipped ? 'skipped' : act.outcome === 'ordered' ? 'ordered' : 'done',
		delayedBy: null,
		skip: skipped ? act.detail : null,
		detail: skipped ? null : act.detail
	};
}

/** What was done on time stands for the moment that was planned: minutes of a busy worker move nothing. */
function anchorOf(stage: Stage, { dueAt, doneAt }: PastAct): Anchor {
	const late = Math.abs(doneAt.getTime() - dueAt.getTime()) > LATE_MS;
	return { day: stage.day, at: late ? doneAt : dueAt };
}

function momentOf(
	stage: Stage,
	facts: Facts,
	before: Anchor | null
): Pick<TimelineEntry, 'at' | 'delayedBy'> {
	const { startedAt, graceUntil, paidThrough, timeZone, hour } = facts;
	const own = stage.day === 0 ? startedAt : atHour(startedAt, stage.day, hour, timeZone);
	let at = own < startedAt ? startedAt : own;
	let delayedBy: TimelineEntry['delayedBy'] = null;
	const notBefore = (moment: Date | null, why: TimelineEntry['delayedBy']) => {
		if (moment && moment > at) [at, delayedBy] = [moment, why];
	};
	notBefore(graceUntil, 'grace');
	if (CUTS.includes(stage.act)) notBefore(paidThrough, 'paid_through');
	if (before && stage.act !== 'retry') {
		const gap = stage.day - before.day;
		notBefore(gap > 0 ? atHour(before.at, gap, hour, timeZone) : before.at, 'distance');
	}
	return { at, delayedBy };
}

/** Only what may still be changed by nobody before its time is said of the future: a new card makes retries useful again. */
function skipOf(stage: Stage, facts: Facts, at: Date, now: Date): string | null {
	if (stage.act !== 'retry') return null;
	if (facts.noRetry) return facts.noRetry;
	const { stripeRetriesAt } = facts;
	// Stripe says only its next attempt: what comes after that is not known yet.
	if (stripeRetriesAt && (at <= now || at <= stripeRetriesAt)) return 'stripe_retries';
	return null;
}

/** Passed over, because the next of its kind is due as well by the time that it could be done. */
function pileUp(
	ordered: readonly Stage[],
	position: number,
	past: ReadonlyMap<string, PastAct>,
	facts: Facts,
	before: Anchor | null,
	now: Date
): string | null {
	const stage = ordered[position]!;
	if (CUTS.includes(stage.act)) return null;
	const later = ordered.slice(position + 1).filter(({ id }) => !past.has(id));
	const next = later.find(
		({ act }) => act === stage.act || (stage.act === 'mail' && CUTS.includes(act))
	);
	// A warning is never passed over for what it warns of.
	if (!next || next.act !== stage.act || next.day === stage.day) return null;
	const own = momentOf(stage, facts, before);
	const could = own.at > now ? own.at : now;
	// As if this one were not: passed over, it holds up nothing.
	const nextAt = momentOf(next, facts, before).at;
	if (nextAt > could) return null;
	return own.delayedBy === 'grace' ? 'grace' : 'late';
}
