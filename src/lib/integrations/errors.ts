import { AppError, type Refusing } from '#lib/core/errors.ts';

export interface VendorErrorDetails {
	/** Which vendor: `cloudflare`, `proxmox`, `ssh`, `odoo`, `stripe`, `mail`. */
	vendor: string;
	/** What was asked, as in the call's record: `dns.create`. */
	operation: string;
	message: string;
	/** HTTP status of the vendor's answer; null when none came. */
	status?: number | null;
	/** The vendor's own code for the error, as text; null when it gave none. */
	code?: string | null;
	/** The same call may succeed later, and sending it again does no harm. */
	retryable?: boolean;
	/** The call may have taken effect although it failed: look before trying again. */
	ambiguous?: boolean;
	cause?: unknown;
}

/**
 * What every client of a vendor throws. A change whose effect is unknown (answer lost, cut or 5xx after the request
 * was sent) is `ambiguous` and never `retryable`: its caller reads the vendor's state first.
 */
export class VendorError extends Error implements Refusing {
	readonly vendor: string;
	readonly operation: string;
	readonly status: number | null;
	readonly code: string | null;
	readonly retryable: boolean;
	readonly ambiguous: boolean;

	constructor(details: VendorErrorDetails) {
		super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
		this.name = 'VendorError';
		this.vendor = details.vendor;
		this.operation = details.operation;
		this.status = details.status ?? null;
		this.code = details.code ?? null;
		this.retryable = details.retryable ?? false;
		this.ambiguous = details.ambiguous ?? false;
	}

	/** Nobody answered, or what came was no answer; a refusal is one. */
	get isAway(): boolean {
		return (this.retryable || this.ambiguous) && (this.status === null || this.status >= 500);
	}

	/** What a person who waits is told, where nobody says it better. */
	get refusal(): AppError {
		return new AppError(this.isAway ? 'VENDOR_UNAVAILABLE' : 'VENDOR_FAILED', {
			params: { vendor: this.vendor },
			detail: this.message,
			cause: this
		});
	}
}

/**
 * We did not ask, because the vendor's budget of calls is spent or it told everybody to wait: nothing was sent, and the
 * same call may be made later.
 */
export class VendorBusy extends VendorError {
	/** Milliseconds until it is worth asking again. */
	readonly retryAfterMs: number;
	/** The vendor itself asked to wait; else our own count says so. */
	readonly isPaused: boolean;

	constructor(details: { vendor: string; retryAfterMs: number; isPaused: boolean }) {
		const { vendor, retryAfterMs, isPaused } = details;
		const name = nameOf(vendor);
		const why = isPaused ? `${name} asked to wait` : `The calls to ${name} are spent`;
		super({
			vendor,
			operation: 'budget',
			message: `${why}: again in ${Math.ceil(retryAfterMs / 1000)} s`,
			retryable: true
		});
		this.name = 'VendorBusy';
		this.retryAfterMs = retryAfterMs;
		this.isPaused = isPaused;
	}

	override get isAway(): boolean {
		return false;
	}

	override get refusal(): AppError {
		return busyRefusal(this.vendor, this.retryAfterMs, this);
	}
}

/** What a person reads while a vendor takes no more calls. @param retryAfterMs null when it does not say */
export function busyRefusal(vendor: string, retryAfterMs: number | null, cause: Error): AppError {
	const minutes = Math.max(1, Math.ceil((retryAfterMs ?? 60_000) / 60_000));
	return new AppError('VENDOR_BUSY', {
		params: { vendor: nameOf(vendor), minutes },
		detail: cause.message,
		cause
	});
}

/** As people write it. */
function nameOf(vendor: string): string {
	return vendor.charAt(0).toUpperCase() + vendor.slice(1);
}
