import Stripe from 'stripe';
import type { CallRecorder } from '../record.ts';
import { StripeVendorError } from './errors.ts';

export interface Operation {
	/** `creditNotes.create`. */
	operation: string;
	/** Idempotency-Key of a POST. */
	key?: string;
	request: unknown;
	/** `object` of the answer that is expected. */
	object: string;
}

export interface Caller {
	/** A call without effect: the SDK tries it again when that may help. */
	read<T extends { object: string }>(operation: Operation, send: () => Promise<T>): Promise<T>;
	/**
	 * A call that changes something. Sent once (twice when the connection was cut at once, which the SDK does by
	 * itself); sending it again with the same key is the caller's decision.
	 */
	change<T extends { object: string }>(
		operation: Operation,
		send: (options: { idempotencyKey?: string; maxNetworkRetries: 0 }) => Promise<T>
	): Promise<T>;
}

export function caller(record: CallRecorder): Caller {
	const named = async <T extends { object: string }>(
		{ operation, object }: Operation,
		changes: boolean,
		send: () => Promise<T>
	): Promise<T> => {
		let answer: T;
		try {
			answer = await send();
		} catch (error) {
			throw asVendorError(operation, changes, error);
		}
		if (answer?.object === object) return answer;
		throw new StripeVendorError({
			operation,
			kind: 'vendor',
			message: `Stripe answered something else than a ${object}`,
			retryable: !changes,
			ambiguous: changes
		});
	};
	const call = (operation: Operation, changes: boolean) => ({
		vendor: 'stripe',
		operation: operation.operation,
		...(operation.key !== undefined && { key: operation.key }),
		request: operation.request,
		changes
	});
	return {
		read: (operation, send) =>
			record(call(operation, false), () => named(operation, false, () => send())),
		change: (operation, send) =>
			record(call(operation, true), () =>
				named(operation, true, () =>
					send({
						maxNetworkRetries: 0,
						...(operation.key !== undefined && { idempotencyKey: operation.key })
					})
				)
			)
	};
}

function asVendorError(operation: string, changes: boolean, error: unknown): unknown {
	if (!(error instanceof Stripe.errors.StripeError)) return error;
	const status = error.statusCode ?? null;
	const common = {
		operation,
		status,
		code: error.code ?? null,
		message: error.message.slice(0, 500),
		declineCode: error.decline_code ?? null,
		replayed: error.headers?.['idempotent-replayed'] === 'true',
		cause: error
	};
	if (error instanceof Stripe.errors.StripeConnectionError)
		return new StripeVendorError({
			...common,
			kind: 'lost',
			retryable: !changes,
			ambiguous: changes
		});
	// A key that is still being worked on, and a rate limit, say that nothing was done by this call.
	if (status === 409 || status === 429)
		return new StripeVendorError({ ...common, kind: 'busy', retryable: true });
	if (status === 401 || status === 403)
		return new StripeVendorError({ ...common, kind: 'unauthorized' });
	if (error.code === 'resource_missing' || status === 404)
		return new StripeVendorError({ ...common, kind: 'missing' });
	if (error instanceof Stripe.errors.StripeCardError)
		return new StripeVendorError({ ...common, kind: 'declined' });
	if (status !== null && status >= 400 && status < 500 && status !== 424)
		return new StripeVendorError({ ...common, kind: 'refused' });
	return new StripeVendorError({
		...common,
		kind: 'vendor',
		retryable: !changes,
		ambiguous: changes
	});
}
