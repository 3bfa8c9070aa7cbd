/** What a tenant's name may be: it is a DNS label, a database name and part of a URL. No punycode, 3 to 30 characters. */
export const SLUG_PATTERN = /^[a-z0-9](?:[a-z0-9-]{1,28}[a-z0-9])$/;

/** Names that the platform uses or may want, or that would let one company pass for another's mail or login. */
const RESERVED = new Set(
	`about abuse account accounts admin administrator api app apps assets autoconfig autodiscover billing blog
	cdn central chat cloud console contact cpanel dashboard demo dev dns docs edge email erp ftp git grafana help
	host hostmaster hosting imap info internal jeturing kb legal localhost login logs mail master metrics monitor
	mx news noc ns ns1 ns2 ns3 odoo partners pay payments pop pop3 portal postgres postmaster privacy proxmox proxy
	public root sajet sales sandbox security server sftp shop signup smtp sql ssh ssl staff staging static stats
	status stripe success support suspended system template templates terms test testing tienda traefik triboka
	tunnel tunnels uptime user users vpn web webhooks webmaster webmail wiki www www1 www2`
		.split(/\s+/)
		.filter(Boolean)
);

export type SlugProblem = 'too_short' | 'too_long' | 'bad_characters' | 'punycode' | 'reserved';

/** What is wrong with a name in itself; null when nothing is. Whether it is free is another question. */
export function slugProblem(slug: string): SlugProblem | null {
	if (slug.length < 3) return 'too_short';
	if (slug.length > 30) return 'too_long';
	if (slug.startsWith('xn--') || slug.slice(2, 4) === '--') return 'punycode';
	if (!SLUG_PATTERN.test(slug)) return 'bad_characters';
	// Template databases live beside the tenants' and are called tpl_…; a dash here keeps names apart from them.
	if (RESERVED.has(slug) || slug.startsWith('tpl-')) return 'reserved';
	return null;
}

/** A name made of what somebody typed as a company: `Cacao Real S.A.` gives `cacao-real-s-a`. */
export function suggestSlug(companyName: string): string {
	return companyName
		.normalize('NFD')
		.replace(/\p{Diacritic}/gu, '')
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-+|-+$/g, '')
		.replace(/-{2,}/g, '-')
		.slice(0, 30)
		.replace(/-+$/, '');
}
