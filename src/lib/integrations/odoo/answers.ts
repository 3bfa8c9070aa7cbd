import { z } from 'zod';
import { VendorError } from '../errors.ts';
import { OdooError } from './errors.ts';
import { RESULT } from './script.ts';

const parametersSchema = z.record(z.string(), z.string());
const configuredSchema = z.object({
	login: z.string(),
	lang: z.union([z.string(), z.literal(false)])
});
export const rpcSchema = z.looseObject({
	result: z.union([z.number(), z.literal(false)]).optional(),
	error: z
		.looseObject({ message: z.string(), data: z.looseObject({ message: z.string() }).optional() })
		.optional()
});

export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

export function resultOf(operation: string, stdout: string): z.output<typeof configuredSchema> {
	const line = stdout.split('\n').findLast((one) => one.startsWith(RESULT));
	const parsed = configuredSchema.safeParse(parseJson(line?.slice(RESULT.length) ?? ''));
	if (parsed.success) return parsed.data;
	throw new OdooError({
		operation,
		kind: 'malformed',
		message: 'The script ended without its result',
		ambiguous: true
	});
}

export function malformed(operation: string, text: string): OdooError {
	return new OdooError({
		operation,
		kind: 'malformed',
		message: `Not an answer of Odoo: ${text.slice(0, 200)}`,
		retryable: true
	});
}

/** The parameters that PostgreSQL wrote as one JSON object; none of them, nothing. @throws {OdooError} malformed */
export function readParameters(text: string): z.infer<typeof parametersSchema> {
	const read = parametersSchema.safeParse(text === '' ? {} : parseJson(text));
	if (!read.success) throw malformed('db.parameters', text);
	return read.data;
}

/** Meaning of a command that failed; PostgreSQL and Odoo say it on stderr. */
export function commandFailed(
	operation: string,
	changes: boolean,
	{ code, stderr }: { code: number; stderr: string }
): OdooError {
	const lines = stderr
		.trim()
		.split('\n')
		.filter((line) => line.trim() !== '');
	const found: [RegExp, OdooError['kind']][] = [
		[/No space left on device|disk is full/i, 'no_space'],
		[/already exists/i, 'exists'],
		[/template database "[^"]*" does not exist/i, 'no_template'],
		// PostgreSQL or Odoo is still starting, or was stopped: nothing was done.
		[
			/(No such file or directory|Connection refused|No route to host|timed out)\s+Is the server running|curl: \(7\)|starting up/i,
			'not_ready'
		],
		[/relation "[^"]*" does not exist|UndefinedTable/i, 'incomplete'],
		[/database "?[^" ]*"? does not exist/i, 'no_database']
	];
	const kind = found.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'failed';
	const message = (
		lines.findLast((line) => /error|fatal|exist|no space/i.test(line)) ??
		lines.at(-1) ??
		`exit code ${code}`
	).slice(0, 500);
	const unclear = kind === 'failed';
	return new OdooError({
		operation,
		kind,
		message,
		code: String(code),
		retryable: kind === 'not_ready' || (unclear && !changes),
		// How far a command came before it failed or was killed is not known.
		ambiguous: unclear && changes
	});
}

/**
 * Looks whether a change is there. When looking fails, the change itself may well have happened.
 * @throws OdooError `failed`, ambiguous
 */
export async function readBack<T>(operation: string, look: () => Promise<T>): Promise<T> {
	try {
		return await look();
	} catch (cause) {
		if (!(cause instanceof VendorError)) throw cause;
		const message = `What was done could not be read back: ${cause.message}`;
		throw new OdooError({ operation, kind: 'failed', message, ambiguous: true, cause });
	}
}
