import { VendorError, type VendorErrorDetails } from '../errors.ts';

/**
 * `away`: no answer, or one that says "later" · `rate_limited`: too many; `retryAt` says until when, where the authority
 * does · `not_found`: the order or account is unknown or too old · `refused`: the authority says no, with its reason ·
 * `malformed`: what came is no answer of an authority.
 */
export type AcmeErrorKind = 'away' | 'malformed' | 'not_found' | 'rate_limited' | 'refused';

export class AcmeError extends VendorError {
	readonly kind: AcmeErrorKind;
	/** Earliest time of another try, as the authority says; null when it does not. */
	readonly retryAt: Date | null;

	constructor(
		details: Omit<VendorErrorDetails, 'vendor'> & { kind: AcmeErrorKind; retryAt?: Date | null }
	) {
		super({ ...details, vendor: 'acme' });
		this.name = 'AcmeError';
		this.kind = details.kind;
		this.retryAt = details.retryAt ?? null;
	}
}
