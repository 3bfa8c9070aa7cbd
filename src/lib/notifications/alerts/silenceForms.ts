import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';

const REASON_LENGTH = 500;
/** Longer than this nobody remembers why it is quiet. */
const MOST_HOURS = 24 * 90;

/** What a silence may be about, where it is about one thing. */
export const SILENCE_SUBJECTS = ['node', 'container', 'tenant', 'domain'] as const;

/** A silence as it is typed; of a rule, a subject, or both. */
export const silenceForm = z
	.object({
		rule: z.string().trim().max(200).default(''),
		/** `node <id>`, as the alerts' own dialog and the list of choices send it. */
		subject: z
			.string()
			.trim()
			.max(300)
			.regex(/^$|^[a-z-]+ \S+$/, { error: () => m.alert_silence_subject_bad() })
			.default(''),
		hours: z.coerce.number().int().min(1).max(MOST_HOURS),
		reason: z
			.string()
			.trim()
			.min(1)
			.max(REASON_LENGTH, { error: () => m.signup_too_long({ max: REASON_LENGTH }) })
			// PostgreSQL keeps no text with it.
			.transform((text) => text.replaceAll('\u0000', ''))
	})
	.superRefine(({ rule, subject }, check) => {
		if (!rule && !subject)
			check.addIssue({
				...{ code: 'custom', path: ['rule'] },
				message: m.alert_silence_nothing()
			});
	})
	.transform(({ rule, subject, ...rest }) => {
		const [subjectType, subjectId] = subject.split(' ');
		return {
			...rest,
			rule: rule || null,
			subjectType: subjectId ? (subjectType ?? null) : null,
			subjectId: subjectId ?? null
		};
	});
export type SilenceInput = z.output<typeof silenceForm>;

/** What is chosen from, in hours. */
export const SILENCE_HOURS = [1, 4, 12, 24, 72, 168] as const;
