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
