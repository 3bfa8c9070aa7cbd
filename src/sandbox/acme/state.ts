import type { JsonWebKey } from 'node:crypto';
import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';
import type { AuthorityState } from './authority.ts';

export interface Problem {
	/** Without `urn:ietf:params:acme:error:`. */
	type: string;
	detail: string;
	status?: number;
}

export interface AccountState {
	id: string;
	jwk: JsonWebKey;
	contact: string[];
}

export interface OrderState {
	id: string;
	accountId: string;
	names: string[];
	authzIds: string[];
	status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
	expires: string;
	error?: Problem;
	/** PEM. */
	chain?: string;
}

export interface AuthzState {
	id: string;
	accountId: string;
	name: string;
	status: 'pending' | 'valid' | 'invalid';
	expires: string;
	challenge: {
		token: string;
		status: 'pending' | 'processing' | 'valid' | 'invalid';
		validated?: string;
		error?: Problem;
	};
}

export interface AcmeState {
	authority: AuthorityState | null;
	accounts: AccountState[];
	orders: OrderState[];
	authzs: AuthzState[];
	/** Validations that failed, for the limit: sandbox time in milliseconds. */
	failures: { accountId: string; name: string; at: number }[];
	/** Days that a certificate holds. */
	days: number;
}

const documents = new WeakMap<Kernel, StoreDocument<AcmeState>>();

/** What the certificate authority of a sandbox knows. */
export function acmeDocument(kernel: Kernel): StoreDocument<AcmeState> {
	let document = documents.get(kernel);
	if (!document) {
		document = kernel.store.document<AcmeState>('acme', () => ({
			...{ authority: null, accounts: [], orders: [], authzs: [], failures: [], days: 90 }
		}));
		documents.set(kernel, document);
	}
	return document;
}
