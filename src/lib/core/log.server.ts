import pino from 'pino';
import { lazy } from './lazy.ts';

/** What never reaches a log, a vendor-call row or an error page, wherever it is nested. */
export const SECRET_NAMES =
	/authorization|cookie|password|passwd|secret|token|ticket|api[-_]?key|totp|recovery|private[-_]?key|csrf/i;

/** A copy of a value with its secrets replaced by `[removed]`. */
export function withoutSecrets(value: unknown, depth = 0): unknown {
	if (depth > 8) return '[too deep]';
	if (Array.isArray(value)) return value.map((entry) => withoutSecrets(entry, depth + 1));
	if (value instanceof Error) return errorFields(value, depth);
	if (value instanceof Date || value === null || typeof value !== 'object') return value;
	return Object.fromEntries(
		Object.entries(value).map(([name, entry]) => [
			name,
			SECRET_NAMES.test(name) && entry !== null ? '[removed]' : withoutSecrets(entry, depth + 1)
		])
	);
}

/** What an error says of itself; its own properties do not include the most of it. */
function errorFields(error: Error, depth: number): Record<string, unknown> {
	return {
		type: error.name,
		message: error.message,
		stack: error.stack,
		...(withoutSecrets({ ...error }, depth + 1) as Record<string, unknown>),
		...(error.cause !== undefined && { cause: withoutSecrets(error.cause, depth + 1) })
	};
}

/** JSON lines on stdout; objects lose their secrets on the way. */
export const log = lazy(() =>
	pino({
		level: process.env.LOG_LEVEL || 'info',
		base: undefined,
		formatters: { log: (fields) => withoutSecrets(fields) as Record<string, unknown> }
	})
);
