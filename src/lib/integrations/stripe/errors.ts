import { AppError } from '#lib/core/errors.ts';
import { VendorError, type VendorErrorDetails } from '../errors.ts';

/**
 * What went wrong, in the words that callers decide by.
 * `missing`: no such object · `declined`: the card or bank refused · `refused`: Stripe will not do it, `code` says why ·
 * `busy`: the same key is being worked on, or a rate limit · `unauthorized`: the key ·
 * `lost`: sent, no answer · `vendor`: 5xx or an answer that is not the API's.
 */
export type StripeErrorKind =
	'missing' | 'declined' | 'refused' | 'busy' | 'unauthorized' | 'lost' | 'vendor';

export interface StripeErrorDetails extends Omit<VendorErrorDetails, 'vendor'> {
	kind: StripeErrorKind;
	declineCode?: string | null;
	/** The answer is the stored one of an earlier call with the same Idempotency-Key. */
	replayed?: boolean;
}

export class StripeVendorError extends VendorError {
	readonly kind: StripeErrorKind;
	/** The issuer's reason, such as `insufficient_funds`; null when there is none. */
	readonly declineCode: string | null;
	readonly replayed: boolean;

	constructor(details: StripeErrorDetails) {
		super({ ...details, vendor: 'stripe' });
		this.name = 'StripeVendorError';
		this.kind = details.kind;
		this.declineCode = details.declineCode ?? null;
		this.replayed = details.replayed ?? false;
	}

	override get refusal(): AppError {
		if (this.kind === 'lost' || this.kind === 'vendor' || this.kind === 'busy')
			return new AppError('PAYMENT_UNAVAILABLE', { detail: this.message, cause: this });
		return new AppError('VENDOR_FAILED', {
			params: { vendor: 'Stripe' },
			detail: this.message,
			cause: this
		});
	}
}

/** True when Stripe says that it has no such object. */
export function isMissing(error: unknown): boolean {
	return error instanceof StripeVendorError && error.kind === 'missing';
}

/** A webhook whose signature is not ours, or too old. */
export class BadSignature extends Error {
	override name = 'BadSignature';
}
