export interface RecordedCall {
	/** `cloudflare`, `proxmox`, `ssh`, `odoo`, `stripe`, `mail`, `dns`. */
	vendor: string;
	/** `dns.create`: what is asked, the same name at every call of its kind. */
	operation: string;
	/** The idempotency key that was sent, or the mark that tells our own effect from another's. */
	key?: string;
	/** What is sent, without secrets. */
	request: unknown;
	/** The call changes something at the vendor. */
	changes: boolean;
}

/**
 * Wraps every call to a vendor. The recorder commits a row on its own connection before `send` runs and completes it
 * with the answer or the `VendorError` (its status, code and message), which it throws on unchanged.
 */
export interface CallRecorder {
	<T>(call: RecordedCall, send: () => Promise<T>): Promise<T>;
}

/** Records nothing: for tests, and for probes that leave no trace. */
export const unrecorded: CallRecorder = (_call, send) => send();
