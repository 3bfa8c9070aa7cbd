import type { CustomDomain, Tenant } from '#prisma/generated/client.ts';
import type { Finding, Observed, WantedRecord } from '../doctor/domainTypes.ts';

/** A custom domain with what its driver needs to know of its surroundings. */
export interface DomainPlace {
	domain: CustomDomain;
	tenant: Pick<Tenant, 'id' | 'slug' | 'customerId' | 'status' | 'databaseName'>;
	baseDomain: {
		id: string;
		name: string;
		zoneId: string;
		target: string;
		edgeServerId: string | null;
	};
	/** Cloudflare's id and ours of the tunnel that the domain comes by. */
	tunnel: { id: string; cloudflareId: string };
}

/** How the way in stands on our side. */
export interface WayIn {
	/** Everything that does not depend on the customer is made and read back. */
	configured: boolean;
	/** Whether the name leads here, where the driver knows better than the DNS; null: the DNS tells. */
	routed: boolean | null;
	certificate: 'none' | 'pending' | 'active' | 'error';
	issuer: string | null;
	expiresAt: Date | null;
	/** What a person has to change, as far as the driver knows. */
	findings: Finding[];
	/** Columns of the row that the driver owns. */
	facts: Partial<
		Pick<
			CustomDomain,
			| 'cloudflareHostnameId'
			| 'hostnameStatus'
			| 'hostnameSslStatus'
			| 'hostnameErrors'
			| 'hostnameArmedAt'
			| 'hostnameSeenAt'
			| 'hostnameAdopted'
			| 'certificateIssuer'
			| 'certificateExpiresAt'
		> & { hostnameRecords: { name: string; value: string }[] }
	>;
}

/** One way for a customer's domain to reach us. Vendor errors are thrown as they are; the job tries again. */
export interface DomainDriverActs {
	/** What the customer has to set so that the name leads to us; ownership's TXT is not among them. */
	records(place: DomainPlace): Promise<WantedRecord[]>;
	/** What a look from outside is held against. `addresses` may be empty where `target` says all. */
	expected(place: DomainPlace): Promise<{
		target: string | null;
		addresses: string[];
		authorities: string[];
	}>;
	/**
	 * Makes what is missing on our side: looks first, marks what it makes, reads it back. Safe to repeat.
	 * @param look `seen`: what the DNS says now · `calm`: nobody waits, so that what is known of the last day will do
	 */
	ensure(place: DomainPlace, look: { seen: Observed; calm: boolean }): Promise<WayIn>;
	/** Takes back what `ensure` made and nothing else; gone already is as good. */
	remove(place: DomainPlace): Promise<void>;
}
