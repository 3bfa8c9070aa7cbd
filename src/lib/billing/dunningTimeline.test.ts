import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	CUTS,
	nextOf,
	timelineOf,
	type Facts,
	type PastAct,
	type Stage
} from './dunningTimeline.ts';

const DAY = 86_400_000;
const QUITO = 'America/Guayaquil';
const stage = (day: number, act: Stage['act'], tone: string | null = null): Stage => ({
	...{ id: `${act}-${day}`, day, act, tone }
});
const POLICY: Stage[] = [
	...[0, 3, 7, 12].map((day) => stage(day, 'mail', 'friendly')),
	...[1, 3, 5, 7].map((day) => stage(day, 'retry')),
	...[stage(10, 'read_only'), stage(15, 'suspend'), stage(36, 'delete')]
];
const started = new Date('2026-03-02T15:00:00Z');
const facts = (given: Partial<Facts> = {}): Facts => ({
	startedAt: started,
	paidThrough: null,
	graceUntil: null,
	acts: [],
	held: null,
	noRetry: null,
	stripeRetriesAt: null,
	timeZone: QUITO,
	hour: 9,
	...given
});
const said = (given: Facts, now: Date, stages = POLICY) =>
	timelineOf(stages, given, now).map(({ id, at, state, skip }) =>
		[id, at.toISOString().slice(0, 16), skip ?? state].join(' ')
	);
const days = (count: number) => new Date(started.getTime() + count * DAY);

/** Plays the worker: at each of these moments it does whatever is due, in order. */
function play(stages: readonly Stage[], given: Facts, moments: readonly Date[]): PastAct[] {
	const acts: PastAct[] = [...given.acts];
	for (const now of moments)
		for (;;) {
			const due = timelineOf(stages, { ...given, acts }, now).find(({ state }) => state === 'due');
			if (!due) break;
			const outcome = due.skip ? 'skipped' : 'done';
			acts.push({ stageId: due.id, dueAt: due.at, doneAt: now, outcome, detail: due.skip });
		}
	return acts;
}

describe('a case that nobody disturbs', () => {
	it('happens on the days of the policy, at the hour of the platform', () => {
		expect(said(facts(), started)).toEqual([
			'mail-0 2026-03-02T15:00 due',
			'retry-1 2026-03-03T14:00 planned',
			'retry-3 2026-03-05T14:00 planned',
			'mail-3 2026-03-05T14:00 planned',
			'retry-5 2026-03-07T14:00 planned',
			'retry-7 2026-03-09T14:00 planned',
			'mail-7 2026-03-09T14:00 planned',
			'read_only-10 2026-03-12T14:00 planned',
			'mail-12 2026-03-14T14:00 planned',
			'suspend-15 2026-03-17T14:00 planned',
			'delete-36 2026-04-07T14:00 planned'
		]);
	});

	it('counts calendar days over the change of the clocks and the end of a month', () => {
		const zone = facts({
			startedAt: new Date('2026-02-26T22:00:00Z'),
			timeZone: 'America/New_York'
		});
		// The clocks go forward on 8 March: nine o'clock is an hour earlier in UTC.
		expect(said(zone, zone.startedAt)).toEqual([
			'mail-0 2026-02-26T22:00 due',
			'retry-1 2026-02-27T14:00 planned',
			'retry-3 2026-03-01T14:00 planned',
			'mail-3 2026-03-01T14:00 planned',
			'retry-5 2026-03-03T14:00 planned',
			'retry-7 2026-03-05T14:00 planned',
			'mail-7 2026-03-05T14:00 planned',
			'read_only-10 2026-03-08T13:00 planned',
			'mail-12 2026-03-10T13:00 planned',
			'suspend-15 2026-03-13T13:00 planned',
			'delete-36 2026-04-03T13:00 planned'
		]);
		const leap = facts({ startedAt: new Date('2028-01-31T23:00:00Z'), timeZone: 'UTC' });
		expect(said(leap, leap.startedAt, [stage(29, 'suspend')])).toEqual([
			'suspend-29 2028-02-29T09:00 planned'
		]);
	});

	it('knows the next thing and its date', () => {
		expect(nextOf(timelineOf(POLICY, facts(), started))?.id).toBe('mail-0');
		expect(nextOf(timelineOf(POLICY, facts({ held: 'disputed' }), started))).toBeNull();
	});
});

describe('what moves the dates', () => {
	it('takes nothing away before the end of what is paid, and keeps the distances after it', () => {
		const paid = new Date('2026-09-01T05:00:00Z');
		const lines = said(facts({ paidThrough: paid }), started);
		expect(lines).toContain('mail-7 2026-03-09T14:00 planned');
		expect(lines.slice(7)).toEqual([
			'read_only-10 2026-09-01T05:00 planned',
			'mail-12 2026-09-03T14:00 planned',
			'suspend-15 2026-09-06T14:00 planned',
			'delete-36 2026-09-27T14:00 planned'
		]);
	});

	it('lets everything wait for the time that staff gave, and tells once afterwards', () => {
		const grace = new Date('2026-03-22T14:00:00Z');
		const acts: PastAct[] = [
			{ stageId: 'mail-0', dueAt: started, doneAt: started, outcome: 'done', detail: null }
		];
		expect(said(facts({ graceUntil: grace, acts }), days(1))).toEqual([
			'mail-0 2026-03-02T15:00 done',
			...['retry-1', 'retry-3'].map((id) => `${id} 2026-03-22T14:00 grace`),
			'mail-3 2026-03-22T14:00 grace',
			'retry-5 2026-03-22T14:00 grace',
			'retry-7 2026-03-22T14:00 planned',
			'mail-7 2026-03-22T14:00 planned',
			'read_only-10 2026-03-25T14:00 planned',
			'mail-12 2026-03-27T14:00 planned',
			'suspend-15 2026-03-30T14:00 planned',
			'delete-36 2026-04-20T14:00 planned'
		]);
	});

	it('comes down step by step after the clock has jumped three weeks, never at once', () => {
		const jumped = days(22);
		const acts = play(POLICY, facts(), [jumped]);
		expect(acts.map(({ stageId, outcome }) => `${stageId} ${outcome}`)).toEqual([
			'mail-0 skipped',
			'retry-1 skipped',
			'retry-3 skipped',
			'mail-3 skipped',
			'retry-5 skipped',
			'retry-7 done',
			'mail-7 done'
		]);
		expect(said(facts({ acts }), jumped).slice(7)).toEqual([
			'read_only-10 2026-03-27T14:00 planned',
			'mail-12 2026-03-29T14:00 planned',
			'suspend-15 2026-04-01T14:00 planned',
			'delete-36 2026-04-22T14:00 planned'
		]);
	});

	it('does not move for a worker that is some minutes late', () => {
		const late = (at: Date) => new Date(at.getTime() + 20 * 60_000);
		const moments = timelineOf(POLICY, facts(), started).map(({ at }) => late(at));
		const acts = play(POLICY, facts(), moments);
		expect(acts).toHaveLength(POLICY.length);
		for (const act of acts) expect(act.outcome).toBe('done');
		expect(acts.map(({ doneAt }) => doneAt)).toEqual(moments);
	});
});

describe('retries', () => {
	it('are passed over after a decline for good, and the page says so beforehand', () => {
		const skips = timelineOf(POLICY, facts({ noRetry: 'lost_card' }), started);
		for (const entry of skips) expect(entry.skip).toBe(entry.act === 'retry' ? 'lost_card' : null);
	});

	it('are left to Stripe as long as it tries by itself', () => {
		const given = facts({ stripeRetriesAt: days(3) });
		const skipped = timelineOf(POLICY, given, started).filter(({ skip }) => skip);
		expect(skipped.map(({ id, skip }) => [id, skip])).toEqual([
			['retry-1', 'stripe_retries'],
			['retry-3', 'stripe_retries']
		]);
	});
});

const anyStages = fc
	.uniqueArray(
		fc.record({
			day: fc.integer({ min: 0, max: 60 }),
			act: fc.constantFrom<Stage['act']>('retry', 'mail', 'read_only', 'suspend', 'delete')
		}),
		{ selector: ({ day, act }) => `${act}-${day}`, maxLength: 14 }
	)
	.map((all) => all.map(({ day, act }) => stage(day, act)));
const moment = fc
	.integer({ min: 0, max: 120 * 24 * 60 })
	.map((minutes) => new Date(started.getTime() + minutes * 60_000));
const anyFacts = fc.record({
	paidThrough: fc.option(moment),
	graceUntil: fc.option(moment),
	noRetry: fc.option(fc.constant('lost_card')),
	timeZone: fc.constantFrom(QUITO, 'America/New_York', 'Pacific/Chatham', 'UTC'),
	hour: fc.integer({ min: 0, max: 23 })
});
const anyMoments = fc
	.array(moment, { minLength: 1, maxLength: 25 })
	.map((all) => all.sort((a, b) => a.getTime() - b.getTime()));

it('holds its promises for any policy, any history and any worker', () => {
	fc.assert(
		fc.property(anyStages, anyFacts, anyMoments, (stages, given, moments) => {
			const all = facts(given);
			const acts = play(stages, all, moments);
			// Each once.
			expect(new Set(acts.map(({ stageId }) => stageId)).size).toBe(acts.length);
			const byId = new Map(stages.map((one) => [one.id, one]));
			const told = acts
				.filter(({ outcome }) => outcome === 'done')
				.map((act) => ({ ...act, ...byId.get(act.stageId)! }))
				.filter(({ act }) => act !== 'retry');
			for (const [index, act] of told.entries()) {
				if (CUTS.includes(act.act) && all.paidThrough)
					expect(act.doneAt.getTime()).toBeGreaterThanOrEqual(all.paidThrough.getTime());
				if (all.graceUntil)
					expect(act.doneAt.getTime()).toBeGreaterThanOrEqual(all.graceUntil.getTime());
				const before = told[index - 1];
				if (!before) continue;
				// In order, and never closer than the policy says, but for the hours within a day.
				expect(act.day).toBeGreaterThanOrEqual(before.day);
				const gap = (act.doneAt.getTime() - before.doneAt.getTime()) / DAY;
				expect(gap).toBeGreaterThanOrEqual(act.day - before.day - 1.6);
			}
			// Killed anywhere and begun again it goes on to the same end.
			for (const cut of [1, Math.floor(acts.length / 2)]) {
				const resumed = play(
					stages,
					{ ...all, acts: acts.slice(0, cut) },
					moments.filter((at) => at >= (acts[cut - 1]?.doneAt ?? started))
				);
				expect(resumed).toEqual(acts);
			}
		}),
		{ numRuns: 300 }
	);
});
