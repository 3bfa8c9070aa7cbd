import type { AppError } from '#lib/core/errors.ts';
import { busyRefusal, VendorError, type VendorErrorDetails } from '../errors.ts';

/**
 * What went wrong, in the words that callers decide by.
 * `duplicate`: it exists already, read it · `in_use`: the tunnel has active connections · `unauthorized`: token or scope ·
 * `rate_limited`: too many calls, whether Cloudflare says so or our own budget does before anything is sent ·
 * `unreachable`: nothing was sent · `lost`: sent, no answer · `malformed`: an answer that is not the API's.
 */
export type CloudflareErrorKind =
	| 'duplicate'
	| 'in_use'
	| 'invalid'
	| 'lost'
	| 'malformed'
	| 'not_found'
	| 'rate_limited'
	| 'unauthorized'
	| 'unreachable'
	| 'vendor';

export interface CloudflareErrorDetails extends Omit<VendorErrorDetails, 'vendor'> {
	kind: CloudflareErrorKind;
	retryAfterMs?: number | null;
}

export class CloudflareError extends VendorError {
	readonly kind: CloudflareErrorKind;
	/** How long Cloudflare asks to wait; null when it does not say. */
	readonly retryAfterMs: number | null;

	constructor(details: CloudflareErrorDetails) {
		super({ ...details, vendor: 'cloudflare' });
		this.name = 'CloudflareError';
		this.kind = details.kind;
		this.retryAfterMs = details.retryAfterMs ?? null;
	}

	/** Who has to wait was answered. */
	override get isAway(): boolean {
		return this.kind !== 'rate_limited' && super.isAway;
	}

	override get refusal(): AppError {
		return this.kind === 'rate_limited'
			? busyRefusal(this.vendor, this.retryAfterMs, this)
			: super.refusal;
	}
}

const KINDS: [CloudflareErrorKind, number[]][] = [
	// 81053 A/AAAA/CNAME of that host, 81057 and 81058 the same record, 1013 tunnel name, 1406 custom hostname
	['duplicate', [81053, 81057, 81058, 1013, 1406]],
	['in_use', [1022]],
	['not_found', [81044, 1003, 1436, 1551]],
	['unauthorized', [1000, 6003, 9106, 9109, 10000]]
];

/** @param codes those of the answer's `errors`, the first one leading */
export function kindOf(status: number, codes: number[]): CloudflareErrorKind {
	if (status === 429) return 'rate_limited';
	if (status >= 500 || status === 408) return 'vendor';
	const named = KINDS.find(([, known]) => codes[0] !== undefined && known.includes(codes[0]));
	if (named) return named[0];
	if (status === 401 || status === 403) return 'unauthorized';
	return status === 404 ? 'not_found' : 'invalid';
}
