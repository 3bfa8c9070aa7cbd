import { VendorError, type VendorErrorDetails } from '../errors.ts';

/**
 * `not_installed`: no such program there · `no_unit`: no such service · `no_config`: the file is not there · `malformed`:
 * the file, or what a command said, cannot be read · `refused`: cloudflared does not take the new file, nothing was
 * changed · `not_started`: it does not come up with the new file, the old one is in force · `down`: it does not come up
 * at all · `changed`: somebody wrote the file meanwhile · `failed`: a command failed.
 */
export type CloudflaredErrorKind =
	| 'changed'
	| 'down'
	| 'failed'
	| 'malformed'
	| 'no_config'
	| 'no_unit'
	| 'not_installed'
	| 'not_started'
	| 'refused';

export class CloudflaredError extends VendorError {
	readonly kind: CloudflaredErrorKind;

	constructor(details: Omit<VendorErrorDetails, 'vendor'> & { kind: CloudflaredErrorKind }) {
		super({ ...details, vendor: 'cloudflared' });
		this.name = 'CloudflaredError';
		this.kind = details.kind;
	}
}
