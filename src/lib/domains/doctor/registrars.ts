import { m } from '#i18n/paraglide/messages.js';

/** Where customers keep the DNS of their domain, as far as its instructions differ. */
export const REGISTRARS = [
	...(['cloudflare', 'godaddy', 'namecheap', 'nicar', 'squarespace', 'generic'] as const)
];
export type Registrar = (typeof REGISTRARS)[number];

type Words = { locale?: 'es' | 'en' };

const NAMES: Record<Registrar, string | ((inputs: object, options: Words) => string)> = {
	cloudflare: 'Cloudflare',
	godaddy: 'GoDaddy',
	namecheap: 'Namecheap',
	nicar: 'NIC.ar',
	squarespace: m.domains_registrar_squarespace,
	generic: m.domains_registrar_generic
};

export function registrarName(registrar: Registrar, options: Words = {}): string {
	const name = NAMES[registrar];
	return typeof name === 'string' ? name : name({}, options);
}

/** Domains of name servers that only this one's customers have. */
const NAME_SERVERS: Partial<Record<Registrar, string[]>> = {
	cloudflare: ['ns.cloudflare.com'],
	godaddy: ['domaincontrol.com'],
	namecheap: ['registrar-servers.com'],
	// Domains that came from Google kept its name servers.
	squarespace: ['squarespacedns.com', 'googledomains.com']
};

/**
 * Who keeps the DNS of a domain, by its name servers. NIC.ar keeps none: a domain of Argentina that is delegated nowhere
 * begins there.
 * @param domain the registered one, `acme.com.ar`
 */
export function guessRegistrar(nameservers: readonly string[], domain = ''): Registrar {
	if (nameservers.length === 0) return domain.endsWith('.ar') ? 'nicar' : 'generic';
	const hosts = (zones: string[] = []) =>
		nameservers.some((one) => {
			const server = one.toLowerCase().replace(/\.$/, '');
			return zones.some((zone) => server.endsWith(`.${zone}`));
		});
	return REGISTRARS.find((one) => hosts(NAME_SERVERS[one])) ?? 'generic';
}

/** What a name without addresses of its own can be at the domain itself, where no CNAME may stand. */
export type ApexWay =
	/** A CNAME after all, which the provider resolves by itself. */
	| 'flattening'
	/** A record type of its own, which stands for CNAME. */
	| 'alias'
	/** Some have one, under some name. */
	| 'maybe'
	/** Addresses, or a redirect to the `www`. */
	| 'forwarding';

export interface RegistrarForm {
	apex: ApexWay;
	/** What the list calls a TXT or CNAME record: `TXT Record`. */
	type(type: string): string;
	nameLabel(options: Words): string;
	valueLabel(type: string, options: Words): string;
}

const plainType = (type: string) => type;
const nameLabel = (options: Words) => m.domains_field_name({}, options);
const hostLabel = (options: Words) => m.domains_field_host({}, options);
const valueLabel = (_type: string, options: Words) => m.domains_field_value({}, options);

/** How each registrar's form for a record looks. */
export const FORMS: Record<Registrar, RegistrarForm> = {
	cloudflare: {
		...{ apex: 'flattening', type: plainType, nameLabel },
		valueLabel: (type, options) =>
			type === 'CNAME' ? m.domains_field_target({}, options) : m.domains_field_content({}, options)
	},
	godaddy: { apex: 'forwarding', type: plainType, nameLabel, valueLabel },
	namecheap: {
		...{ apex: 'alias', nameLabel: hostLabel, valueLabel },
		type: (type) => `${type} Record`
	},
	// Its records are kept by another service, whichever that is.
	nicar: { apex: 'maybe', type: plainType, nameLabel, valueLabel },
	squarespace: {
		...{ apex: 'maybe', type: plainType, nameLabel: hostLabel },
		valueLabel: (_type, options) => m.domains_field_data({}, options)
	},
	generic: { apex: 'maybe', type: plainType, nameLabel, valueLabel }
};
