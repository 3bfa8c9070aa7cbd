import { VendorError, type VendorErrorDetails } from '../errors.ts';

/**
 * `unreachable`: no connection, nothing was sent · `untrusted`: not the pinned host key · `unauthorized`: the key is not
 * accepted · `timeout`: the command was stopped when its time was up · `lost`: the connection ended before its exit code ·
 * `not_running`, `not_here`: what `pct` says of the container.
 */
export type SshErrorKind =
	'lost' | 'not_here' | 'not_running' | 'timeout' | 'unauthorized' | 'unreachable' | 'untrusted';

export class SshError extends VendorError {
	readonly kind: SshErrorKind;

	constructor(details: Omit<VendorErrorDetails, 'vendor'> & { kind: SshErrorKind }) {
		super({ ...details, vendor: 'ssh' });
		this.name = 'SshError';
		this.kind = details.kind;
	}
}
