import { VendorError, type VendorErrorDetails } from '../errors.ts';

/**
 * `exists`: a database of that name is there · `no_template`: the one to copy is not · `no_database`: it is not there ·
 * `incomplete`: it is there, but its initialisation never ended · `not_done`: Odoo reported success and nothing is there ·
 * `no_space`: the disk is full · `not_ready`: PostgreSQL or Odoo inside is not up (yet) · `failed`: the command failed, for the reason in the message · `malformed`: an answer that makes no sense.
 */
export type OdooErrorKind =
	| 'exists'
	| 'failed'
	| 'incomplete'
	| 'malformed'
	| 'no_database'
	| 'no_space'
	| 'no_template'
	| 'not_done'
	| 'not_ready';

export class OdooError extends VendorError {
	readonly kind: OdooErrorKind;

	constructor(details: Omit<VendorErrorDetails, 'vendor'> & { kind: OdooErrorKind }) {
		super({ ...details, vendor: 'odoo' });
		this.name = 'OdooError';
		this.kind = details.kind;
	}
}
