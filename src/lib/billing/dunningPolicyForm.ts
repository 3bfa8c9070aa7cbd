import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { dunningAct } from './dunningWords.ts';
import type { Stage } from './dunningTimeline.ts';

const LAST_DAY = 365;
const MOST_DAYS = 12;

/** What of a stage a policy is made from. */
export type NewStage = Omit<Stage, 'id'>;

/** The tones of a policy's notices: the first is friendly, the last says so, and one before it warns. */
export function tonesOf(days: readonly number[]): string[] {
	return days.map((_, index) => {
		if (index === 0) return 'friendly';
		if (index === days.length - 1) return 'last';
		return index === days.length - 2 ? 'warning' : 'reminder';
	});
}

/** `0, 3, 7`: some days, each once. */
const dayList = z
	.string()
	.trim()
	.transform((text, context) => {
		const days = text === '' ? [] : text.split(/[\s,;]+/).map(Number);
		const wrong = days.some((day) => !Number.isInteger(day) || day < 0 || day > LAST_DAY);
		if (wrong || days.length > MOST_DAYS) {
			context.addIssue({ code: 'custom', message: m.dunning_policy_day_invalid() });
			return z.NEVER;
		}
		const twice = days.find((day, index) => days.indexOf(day) !== index);
		if (twice !== undefined) {
			context.addIssue({ code: 'custom', message: m.dunning_policy_day_twice({ day: twice }) });
			return z.NEVER;
		}
		return days.sort((a, b) => a - b);
	});

const oneDay = z
	.string()
	.trim()
	.transform((text, context) => {
		if (text === '') return null;
		const day = Number(text);
		if (Number.isInteger(day) && day >= 1 && day <= LAST_DAY) return day;
		context.addIssue({ code: 'custom', message: m.dunning_policy_day_one() });
		return z.NEVER;
	});

/** A policy as staff type it: days of notices and of retries, and a day for each thing that is taken away. */
export const policyForm = z
	.object({
		name: z
			.string()
			.trim()
			.min(1, { error: () => m.dunning_policy_name_needed() })
			.max(60),
		mails: dayList,
		retries: dayList,
		read_only: oneDay,
		suspend: oneDay,
		delete: oneDay
	})
	.superRefine((policy, context) => {
		const wrong = (path: string, message: string) =>
			context.addIssue({ code: 'custom', path: [path], message });
		if (policy.mails.length === 0) return wrong('mails', m.dunning_policy_empty());
		const cuts = CUT_FIELDS.flatMap((act) => {
			const day = policy[act];
			return day === null ? [] : [{ act, day }];
		});
		for (const [index, { act, day }] of cuts.entries()) {
			const before = cuts[index - 1];
			if (before && day <= before.day)
				wrong(act, m.dunning_policy_after({ stage: dunningAct(before.act), day: before.day }));
		}
		const [first] = cuts;
		if (first && !policy.mails.some((day) => day < first.day))
			wrong('mails', m.dunning_policy_warn_first({ day: first.day }));
		if (policy.delete !== null && policy.suspend === null)
			wrong('delete', m.dunning_policy_delete_needs_suspend());
	});

const CUT_FIELDS = ['read_only', 'suspend', 'delete'] as const;

export type PolicyInput = z.output<typeof policyForm>;

/** The stages of a policy as it was typed. */
export function stagesOf(policy: Omit<PolicyInput, 'name'>): NewStage[] {
	const tones = tonesOf(policy.mails);
	return [
		...policy.mails.map((day, index) => ({ day, act: 'mail' as const, tone: tones[index]! })),
		...policy.retries.map((day) => ({ day, act: 'retry' as const, tone: null })),
		...CUT_FIELDS.flatMap((act) => {
			const day = policy[act];
			return day === null ? [] : [{ day, act, tone: null }];
		})
	];
}

/** The fields of the form for a policy that exists. */
export function fieldsOf(
	stages: readonly NewStage[]
): Record<keyof Omit<PolicyInput, 'name'>, string> {
	const days = (act: Stage['act']) =>
		stages
			.filter((stage) => stage.act === act)
			.map(({ day }) => day)
			.sort((a, b) => a - b)
			.join(', ');
	return {
		mails: days('mail'),
		retries: days('retry'),
		read_only: days('read_only'),
		suspend: days('suspend'),
		delete: days('delete')
	};
}
