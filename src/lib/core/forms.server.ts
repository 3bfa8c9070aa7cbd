import { type ActionFailure, fail } from '@sveltejs/kit';
import type { z } from 'zod';
import { AppError } from './errors.ts';
import { SECRET_NAMES } from './log.server.ts';
import { fieldSentences } from './validation.ts';

/** What a plain form's action answers when it refuses: sentences beside fields, one above, and what was typed. */
export interface FormFailure extends Record<string, unknown> {
	errors?: Record<string, string>;
	message?: string;
	values: Record<string, string>;
}

/**
 * Parses a plain form and runs it: bad input and refusals come back beside what was typed, secrets excepted; what
 * has no name is thrown on.
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
		if (!(error instanceof AppError) || error.status >= 500) throw error;
		const errors = error.fields;
		return fail(error.status, { errors, message: errors ? undefined : error.sentence, values });
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
