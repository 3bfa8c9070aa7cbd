import { type ActionFailure, fail } from '@sveltejs/kit';
import type { z } from 'zod';
import { refusalIn } from './errors.ts';
import { log, SECRET_NAMES } from './log.server.ts';
import { fieldSentences } from './validation.ts';

/** What a plain form's action answers when it refuses: sentences beside fields, one above, and what was typed. */
export interface FormFailure extends Record<string, unknown> {
	errors?: Record<string, string>;
	message?: string;
	values: Record<string, string>;
}

/**
 * Parses a plain form and runs it: bad input, refusals, and vendors that do not answer come back beside what was typed,
 * secrets excepted; what has no name is thrown on.
 */
export async function answerForm<S extends z.ZodType, R>(
	request: Request,
	schema: S,
	run: (input: z.output<S>) => Promise<R>
): Promise<R | ActionFailure<FormFailure>> {
	const given = Object.fromEntries(await request.formData());
	const values = typedValues(given);
	const parsed = schema.safeParse(given);
	if (!parsed.success) return fail(400, { errors: fieldSentences(parsed.error), values });
	try {
		return await run(parsed.data);
	} catch (error) {
		const refusal = refusalIn(error);
		if (!refusal || refusal.code === 'INTERNAL') throw error;
		if (refusal.status >= 500) log.warn({ err: error }, 'a form was refused');
		const errors = refusal.fields;
		return fail(refusal.status, {
			errors,
			message: errors ? undefined : refusal.sentence,
			values
		});
	}
}

const ONE_TIME = /^(code|proof|current)$/;

function typedValues(given: Record<string, FormDataEntryValue>): Record<string, string> {
	const kept = Object.entries(given).flatMap(([name, value]): [string, string][] =>
		typeof value === 'string' && !SECRET_NAMES.test(name) && !ONE_TIME.test(name)
			? [[name, value]]
			: []
	);
	return Object.fromEntries(kept);
}
