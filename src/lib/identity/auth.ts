import type { CustomerPermission, Scope, StaffPermission } from './permissions.ts';

export interface AuthUser {
	id: string;
	email: string;
	fullName: string;
	locale: string;
	timezone: string | null;
}

export interface AuthSession {
	id: string;
	/** When password or second factor were last given for a dangerous act. */
	stepUpAt: Date | null;
	createdAt: Date;
	expiresAt: Date;
}

interface Common {
	user: AuthUser;
	/** Key of the role. */
	role: string;
	/** Null for an API token. */
	session: AuthSession | null;
	/** Null for a session. */
	token: { id: string; name: string } | null;
	/** The second factor is mandatory and this person has none yet: nothing but setting it up is open. */
	secondFactorMissing: boolean;
}

export interface StaffAuth extends Common {
	side: 'staff';
	permissions: ReadonlySet<StaffPermission>;
	customer: null;
}

export interface CustomerAuth extends Common {
	side: 'customer';
	permissions: ReadonlyMap<CustomerPermission, Scope>;
	/** The company that the person works for now. */
	customer: { id: string; companyName: string };
}

/** Who asks: `event.locals.auth`, null for a visitor. */
export type Auth = StaffAuth | CustomerAuth;
