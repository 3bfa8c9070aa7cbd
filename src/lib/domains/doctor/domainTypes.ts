/** What the world says of a name, as `observe.server.ts` finds it and `doctor.ts` reads it. Stored as it is. */
export interface Observed {
	/** ISO time. */
	at: string;
	hostname: string;
	/** The name's own answer, CNAMEs followed. `bogus`: a resolver that checks signatures refuses what one that does not gives. */
	address: 'found' | 'nxdomain' | 'nodata' | 'unreachable' | 'bogus' | 'loop';
	a: string[];
	aaaa: string[];
	/** The names that the chain leads through, in order; without the first one. */
	cnames: string[];
	ownership: {
		/** Where was asked: `_erp-verify.acme.com`. */
		name: string;
		state: 'found' | 'nxdomain' | 'nodata' | 'unreachable' | 'bogus' | 'loop';
		/** One entry a record, its strings joined. */
		records: string[];
		/** What stands at names where registrars and people put it by mistake; absent: nobody asked. */
		elsewhere?: { name: string; records: string[] }[];
	};
	/** The registered domain itself, by its name servers: `nxdomain` is registered nowhere. Absent: nobody asked. */
	domain?: {
		name: string;
		state: 'found' | 'nxdomain' | 'nodata' | 'unreachable' | 'bogus' | 'loop';
	};
	/** Why name or token are `unreachable`, as resolvers say it: ETIMEOUT, ESERVFAIL …; null or absent: they are not. */
	reason?: string | null;
	/** The CAA set that counts for the name, and at which name it stands; null: any authority may issue. */
	caa: { at: string; issuers: string[] } | null;
	/** Name servers of the zone that holds the name; empty when unknown. */
	nameservers: string[];
	/** What answers at 443; null when nobody asked. */
	https: HttpsSeen | null;
}

export type HttpsSeen =
	| {
			kind: 'answered';
			status: number;
			/** The `server` header. */
			server: string | null;
			location: string | null;
			certificate: CertificateSeen | null;
	  }
	| { kind: 'unreachable'; reason: string; certificate: CertificateSeen | null };

/** A page, or the way to one, and no error. */
export function answersWell(https: HttpsSeen | null): boolean {
	return https?.kind === 'answered' && https.status < 400;
}

export interface CertificateSeen {
	issuer: string;
	names: string[];
	/** ISO time. */
	expiresAt: string;
	/** It is for this name and in force. */
	fits: boolean;
	/** Browsers accept who signed it. */
	trusted?: boolean;
}

/** What should be there. */
export interface Expected {
	hostname: string;
	/** The registrable domain itself, which takes no CNAME at most registrars. */
	isApex: boolean;
	verificationName: string;
	verificationToken: string;
	/** What a CNAME has to lead to, directly or through others; null where only addresses count. */
	target: string | null;
	/** Addresses that lead to us: those that `target` has, or those of our edge. */
	addresses: string[];
	/** Who issues the certificate, as CAA names them; any of them is enough. Empty: nobody has to. */
	authorities: string[];
	/** Our edge presents a certificate for it already, so that another one at 443 means another server. */
	certificateExpected: boolean;
}

/** Which fact a finding stands in the way of. */
export type FindingOf = 'ownership' | 'routing' | 'certificate' | 'answer';

/** One thing that is not as it should be, with what its sentence needs; sentences are in `domainWords.ts`. */
export interface Finding {
	code: FindingCode;
	of: FindingOf;
	/** Nothing goes on before it is changed; else it may pass by itself or is only worth knowing. */
	blocks: boolean;
	params: Record<string, string>;
}

export type FindingCode =
	/** Nothing at the name of the token. */
	| 'token_missing'
	/** Something else is there. @param found */
	| 'token_other'
	/** It is there in pieces, one a record. @param records how many */
	| 'token_in_pieces'
	/** It stands at another name, as registrars that append the domain make it. @param found where */
	| 'token_misplaced'
	/** No such name at all. */
	| 'name_missing'
	/** The domain itself is registered nowhere, or has lost its name servers. @param domain */
	| 'domain_unregistered'
	/** The name exists without an address. */
	| 'no_address'
	/** Leads elsewhere. @param found what is there now @param wanted what should be */
	| 'leads_elsewhere'
	/** An address of its own stands beside ours, so that some visitors end elsewhere. @param found */
	| 'extra_address'
	/** An AAAA record leads elsewhere. @param found */
	| 'ipv6_elsewhere'
	/** Through another provider's proxy. @param provider */
	| 'behind_proxy'
	/** A page of a registrar or a reseller answers. @param provider */
	| 'parked'
	| 'cname_loop'
	/** The CNAME leads to a name that does not exist. @param found */
	| 'cname_dangling'
	/** @param domain zone whose signatures do not fit */
	| 'dnssec_broken'
	/** @param found who may issue @param wanted who has to @param at where the record stands */
	| 'caa_forbids'
	/** The name servers do not answer. @param reason */
	| 'dns_unreachable'
	/** Another certificate than ours answers. @param issuer */
	| 'certificate_other'
	/** @param expires_at */
	| 'certificate_expired'
	/** What the authority says. @param detail */
	| 'certificate_refused'
	/** Cloudflare holds the name back. @param detail */
	| 'hostname_blocked'
	/** Somebody deleted it at Cloudflare; it is made again. */
	| 'hostname_deleted'
	/** Cloudflare asks for another TXT record. @param name @param value */
	| 'hostname_txt'
	/** Its zone is not in our account. @param domain */
	| 'zone_missing'
	/** A record that is not ours is in the way. @param name @param type @param content */
	| 'record_in_the_way'
	/** Somebody else has proven that it is theirs. */
	| 'taken'
	/** Our edge answers, the instance does not. @param detail */
	| 'instance_silent'
	/** Something else than the instance answers. @param detail */
	| 'answer_other';

/** A record that a customer has to set at the registrar. */
export interface WantedRecord {
	purpose: 'ownership' | 'routing' | 'certificate';
	type: 'TXT' | 'CNAME' | 'A' | 'AAAA' | 'ALIAS';
	/** The whole name. */
	name: string;
	value: string;
	/** Of several with the same number one is enough: an ALIAS or the addresses. */
	alternative?: number;
}
