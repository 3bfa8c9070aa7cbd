import { setTimeout as sleep } from 'node:timers/promises';
import { APIConnectionTimeoutError, APIError, APIUserAbortError } from 'cloudflare/core/error';
import { z } from 'zod';
import { VendorBusy } from '../errors.ts';
import type { CallRecorder } from '../record.ts';
import { HeldBack } from './client.server.ts';
import { CloudflareError, kindOf, type CloudflareErrorDetails } from './errors.ts';
import { retryAfterMs } from './limits.ts';

/** What every request of the SDK is sent with: no retries of its own, they would sleep as long as a 429 says. */
export interface SendOptions {
	maxRetries: 0;
	timeout: number;
	signal: AbortSignal;
}

export interface Operation {
	operation: string;
	key?: string;
	request: unknown;
}

export interface Caller {
	/** A call without effect: tried again when that may help. */
	read<T>(operation: Operation, send: (options: SendOptions) => Promise<T>): Promise<T>;
	/** A call that changes something: sent once. */
	change<T>(operation: Operation, send: (options: SendOptions) => Promise<T>): Promise<T>;
}

const ATTEMPTS = 3;
const BACKOFF_MS = 200;
const LONGEST_WAIT_MS = 2000;
// The connection never stood, so nothing was sent.
const NOT_SENT = new Set([
	...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'],
	...['UND_ERR_CONNECT_TIMEOUT', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_HAS_EXPIRED']
]);

/** Sends, records, and turns every failure into a `CloudflareError`. @param timeoutMs of one attempt, body included */
export function caller(record: CallRecorder, timeoutMs: number): Caller {
	const once = async <T>(
		operation: string,
		changes: boolean,
		send: (options: SendOptions) => Promise<T>
	): Promise<T> => {
		const signal = AbortSignal.timeout(timeoutMs);
		try {
			return await send({ maxRetries: 0, timeout: timeoutMs * 2, signal });
		} catch (error) {
			throw asCloudflareError(operation, changes, error);
		}
	};
	return {
		read: ({ operation, key, request }, send) =>
			record({ vendor: 'cloudflare', operation, key, request, changes: false }, async () => {
				for (let attempt = 1; ; attempt += 1) {
					try {
						return await once(operation, false, send);
					} catch (error) {
						if (!(error instanceof CloudflareError) || !error.retryable) throw error;
						const wait = error.retryAfterMs ?? BACKOFF_MS * 2 ** (attempt - 1);
						if (attempt === ATTEMPTS || wait > LONGEST_WAIT_MS) throw error;
						await sleep(wait);
					}
				}
			}),
		change: ({ operation, key, request }, send) =>
			record({ vendor: 'cloudflare', operation, key, request, changes: true }, () =>
				once(operation, true, send)
			)
	};
}

export function asCloudflareError(
	operation: string,
	changes: boolean,
	error: unknown
): CloudflareError {
	if (error instanceof CloudflareError) return error;
	const failed = (details: Omit<CloudflareErrorDetails, 'operation' | 'cause'>, cause = error) =>
		new CloudflareError({ ...details, operation, cause });
	const held = heldBack(error);
	if (held) {
		const { reason } = held;
		return reason instanceof VendorBusy
			? failed(
					{
						kind: 'rate_limited',
						message: reason.message,
						retryable: true,
						retryAfterMs: reason.retryAfterMs
					},
					reason
				)
			: failed(
					{
						kind: 'unreachable',
						message: `The call was not sent: ${String(reason)}`.slice(0, 500),
						retryable: true
					},
					reason
				);
	}
	if (error instanceof z.ZodError || error instanceof SyntaxError) {
		return failed({
			kind: 'malformed',
			message: 'Cloudflare answered what is not its API',
			retryable: !changes,
			ambiguous: changes
		});
	}
	if (error instanceof APIError && typeof error.status === 'number') {
		return answered(operation, changes, error, error.status);
	}
	if (causes(error).some((code) => NOT_SENT.has(code))) {
		return failed({
			kind: 'unreachable',
			message: 'Cloudflare could not be reached',
			retryable: true
		});
	}
	const late =
		error instanceof APIUserAbortError ||
		error instanceof APIConnectionTimeoutError ||
		(error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'));
	return failed({
		kind: 'lost',
		message: late ? 'Cloudflare did not answer in time' : 'The connection to Cloudflare was lost',
		retryable: !changes,
		ambiguous: changes
	});
}

function answered(
	operation: string,
	changes: boolean,
	error: APIError,
	status: number
): CloudflareError {
	const errors = (error.errors ?? []).map(({ code, message }) => ({ code, message }));
	const codes = errors.flatMap(({ code }) => (typeof code === 'number' ? [code] : []));
	const kind = kindOf(status, codes);
	// A 5xx may come from in front of the API as well as from behind a change that was made.
	const unclear = kind === 'vendor';
	const sentences = errors.flatMap(({ message }) => (message ? [message] : []));
	return new CloudflareError({
		operation,
		kind,
		status,
		code: codes[0] === undefined ? null : String(codes[0]),
		message: sentences.join('; ').slice(0, 500) || `Cloudflare answered HTTP ${status}`,
		retryable: kind === 'rate_limited' || (unclear && !changes),
		ambiguous: unclear && changes,
		retryAfterMs: error.headers ? retryAfterMs(error.headers) : null,
		cause: error
	});
}

function heldBack(error: unknown): HeldBack | undefined {
	return chain(error).find((one) => one instanceof HeldBack);
}

/** The system's codes of an error and of what caused it. */
function causes(error: unknown): string[] {
	return chain(error).flatMap((one) =>
		'code' in one && typeof one.code === 'string' ? [one.code] : []
	);
}

/** An error and what caused it. */
function chain(error: unknown): Error[] {
	const found: Error[] = [];
	const pending: unknown[] = [error];
	for (let depth = 0; pending.length > 0 && depth < 10; depth += 1) {
		const one = pending.shift();
		if (!(one instanceof Error)) continue;
		found.push(one);
		// A name with several addresses fails with one error for each.
		pending.push(one.cause, ...(one instanceof AggregateError ? one.errors : []));
	}
	return found;
}
