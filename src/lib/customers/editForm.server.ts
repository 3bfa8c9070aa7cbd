import type { ActionFailure } from '@sveltejs/kit';
import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm, type FormFailure } from '#lib/core/forms.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { edit } from './edit.server.ts';
import { formOf, MUST_FILL, type CustomerChanges } from './schema.ts';

/**
 * The action of a form that changes a customer. Of a conflict it answers the version that is in force now beside what was
 * typed, so that sending it once more is a decision and no accident.
 * @param schema of the fields that this person may change
 * @param options.message said when it worked
 */
export async function answerEdit(
	request: Request,
	schema: z.ZodType<CustomerChanges>,
	options: { customerId: string; by: Actor; reader: 'staff' | 'member'; message: string }
): Promise<{ message: string } | ActionFailure<FormFailure>> {
	const { customerId, by, reader, message } = options;
	let inForce: unknown;
	const form = formOf(
		z.intersection(z.object({ version: z.coerce.number().int() }), schema),
		MUST_FILL
	);
	const answer = await answerForm(request, form, async ({ version, ...changes }) => {
		try {
			await transaction((tx) => edit(tx, customerId, { version, changes, by, reader }));
		} catch (error) {
			if (error instanceof AppError && error.code === 'CHANGED_MEANWHILE')
				inForce = error.params.version;
			throw error;
		}
		return { message };
	});
	if ('data' in answer && inForce !== undefined) answer.data.values.version = String(inForce);
	return answer;
}
