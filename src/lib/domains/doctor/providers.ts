import { isInRange } from '../base/addressRange.ts';
import type { Observed } from './domainTypes.ts';

/** Somebody whose machines answer for customers' names, as far as one can tell from outside. */
interface Provider {
	name: string;
	/**
	 * `proxy`: stands in front of a customer's own server · `cdn`: either that or the site itself · `site`: serves the
	 * site itself · `parking`: shows a page for names that nobody uses.
	 */
	kind: 'proxy' | 'cdn' | 'site' | 'parking';
	/** Published ranges and addresses. */
	addresses?: string[];
	/** Domains that CNAMEs lead into. */
	names?: string[];
	/** Domains of name servers that serve nothing else. */
	nameservers?: string[];
	/** The `server` header. */
	server?: RegExp;
}

// Published by each: cloudflare.com/ips, api.fastly.com/public-ip-list, the help pages of the others.
const PROVIDERS: Provider[] = [
	{
		name: 'Cloudflare',
		kind: 'proxy',
		addresses: [
			...['173.245.48.0/20', '103.21.244.0/22', '103.22.200.0/22', '103.31.4.0/22'],
			...['141.101.64.0/18', '108.162.192.0/18', '190.93.240.0/20', '188.114.96.0/20'],
			...['197.234.240.0/22', '198.41.128.0/17', '162.158.0.0/15', '104.16.0.0/13'],
			...['104.24.0.0/14', '172.64.0.0/13', '131.0.72.0/22', '2400:cb00::/32'],
			...['2606:4700::/32', '2803:f800::/32', '2405:b500::/32', '2405:8100::/32'],
			...['2a06:98c0::/29', '2c0f:f248::/32']
		],
		names: ['cdn.cloudflare.net'],
		server: /^cloudflare$/i
	},
	{
		name: 'Sucuri',
		kind: 'proxy',
		addresses: ['192.88.134.0/23', '185.93.228.0/22', '66.248.200.0/22', '2a02:fe80::/29'],
		names: ['sucuri.net'],
		server: /^sucuri/i
	},
	{
		name: 'Imperva',
		kind: 'proxy',
		addresses: [
			...['199.83.128.0/21', '198.143.32.0/19', '149.126.72.0/21', '103.28.248.0/22'],
			...['185.11.124.0/22', '192.230.64.0/18', '45.64.64.0/22', '107.154.0.0/16'],
			...['45.60.0.0/16', '45.223.0.0/16', '131.125.128.0/17', '2a02:e980::/29']
		],
		names: ['incapdns.net', 'impervadns.net']
	},
	{
		name: 'Fastly',
		kind: 'cdn',
		addresses: [
			...['23.235.32.0/20', '43.249.72.0/22', '103.244.50.0/24', '103.245.222.0/23'],
			...['103.245.224.0/24', '104.156.80.0/20', '140.248.64.0/18', '140.248.128.0/17'],
			...['146.75.0.0/17', '151.101.0.0/16', '157.52.64.0/18', '167.82.0.0/17'],
			...['167.82.128.0/20', '167.82.160.0/20', '167.82.224.0/20', '172.111.64.0/18'],
			...['185.31.16.0/22', '199.27.72.0/21', '199.232.0.0/16', '2a04:4e40::/32'],
			'2a04:4e42::/32'
		],
		names: ['fastly.net', 'fastlylb.net']
	},
	{
		name: 'Vercel',
		kind: 'cdn',
		addresses: ['76.76.21.0/24', '66.33.60.0/24', '216.198.79.0/24', '64.29.17.0/24'],
		names: ['vercel-dns.com', 'vercel.app', 'now.sh'],
		server: /^vercel$/i
	},
	{
		name: 'Netlify',
		kind: 'cdn',
		addresses: ['75.2.60.5', '99.83.190.102', '99.83.231.61'],
		names: ['netlify.app', 'netlify.com', 'netlifyglobalcdn.com'],
		server: /^netlify/i
	},
	{
		name: 'Amazon CloudFront',
		kind: 'proxy',
		names: ['cloudfront.net'],
		server: /^cloudfront$/i
	},
	{
		name: 'Akamai',
		kind: 'proxy',
		names: ['edgesuite.net', 'edgekey.net', 'akamaiedge.net', 'akamai.net'],
		server: /^akamaighost$/i
	},
	{ name: 'Azure Front Door', kind: 'proxy', names: ['azurefd.net', 'azureedge.net'] },
	{
		name: 'GitHub Pages',
		kind: 'site',
		addresses: ['185.199.108.0/22', '2606:50c0:8000::/46'],
		names: ['github.io'],
		server: /^github\.com$/i
	},
	{
		name: 'Shopify',
		kind: 'site',
		addresses: ['23.227.38.0/24', '2620:127:f00f::/48'],
		names: ['myshopify.com']
	},
	{
		name: 'Wix',
		kind: 'site',
		addresses: ['185.230.63.0/24'],
		names: ['wixdns.net', 'wixsite.com'],
		server: /^pepyaka/i
	},
	{
		name: 'Squarespace',
		kind: 'site',
		addresses: ['198.185.159.144/31', '198.49.23.144/31'],
		names: ['squarespace.com'],
		server: /^squarespace$/i
	},
	{ name: 'Webflow', kind: 'site', names: ['webflow.com', 'webflow.io'] },
	{ name: 'WordPress.com', kind: 'site', addresses: ['192.0.78.0/24'], names: ['wordpress.com'] },
	{
		name: 'Sedo',
		kind: 'parking',
		addresses: ['91.195.240.0/23', '64.190.62.0/23'],
		names: ['sedoparking.com'],
		nameservers: ['sedoparking.com']
	},
	{
		name: 'Bodis',
		kind: 'parking',
		addresses: ['199.59.240.0/22'],
		names: ['bodis.com'],
		nameservers: ['bodis.com']
	},
	{
		name: 'ParkingCrew',
		kind: 'parking',
		addresses: ['185.53.176.0/22'],
		names: ['parkingcrew.net'],
		nameservers: ['parkingcrew.net']
	},
	{ name: 'Afternic', kind: 'parking', nameservers: ['afternic.com'] },
	{ name: 'Dan.com', kind: 'parking', nameservers: ['dan.com', 'undeveloped.com'] },
	{ name: 'Above.com', kind: 'parking', nameservers: ['above.com'] },
	{ name: 'CashParking', kind: 'parking', nameservers: ['cashparking.com'] },
	{
		name: 'HugeDomains',
		kind: 'parking',
		names: ['hugedomains.com'],
		nameservers: ['namebrightdns.com', 'hugedomains.com']
	},
	{ name: 'Namecheap', kind: 'parking', names: ['parkingpage.namecheap.com'] },
	{ name: 'GoDaddy', kind: 'parking', addresses: ['34.102.136.180'], server: /^DPS\// }
];

const isWithin = (name: string, zones: readonly string[] = []): boolean =>
	zones.some((zone) => name === zone || name.endsWith(`.${zone}`));

/** Whose machine an address is; null when we do not know. */
export function providerOfAddress(address: string): Pick<Provider, 'name' | 'kind'> | null {
	return (
		PROVIDERS.find(({ addresses }) => addresses?.some((range) => isInRange(address, range))) ?? null
	);
}

/** Whose a name is that a CNAME leads to. */
export function providerOfName(hostname: string): Pick<Provider, 'name' | 'kind'> | null {
	return PROVIDERS.find(({ names }) => isWithin(hostname, names)) ?? null;
}

export function providerOfServer(server: string | null): Pick<Provider, 'name' | 'kind'> | null {
	if (server === null) return null;
	return PROVIDERS.find((one) => one.server?.test(server)) ?? null;
}

/** Who shows a page for a name that nobody uses; null: nobody, as far as one can tell. */
export function parkedBy(
	seen: Pick<Observed, 'a' | 'aaaa' | 'cnames' | 'nameservers' | 'https'>
): string | null {
	const answer = seen.https?.kind === 'answered' ? seen.https : null;
	// Some say it themselves: `Parking/1.0`.
	const said = answer?.server && /parking|parked/i.test(answer.server) ? answer.server : null;
	const sentTo = answer?.location && URL.canParse(answer.location) ? answer.location : null;
	const names = [...seen.cnames, ...(sentTo ? [new URL(sentTo).hostname] : [])];
	const found = PROVIDERS.find(
		({ kind, addresses, names: own, nameservers, server }) =>
			kind === 'parking' &&
			([...seen.a, ...seen.aaaa].some((one) => addresses?.some((range) => isInRange(one, range))) ||
				names.some((name) => isWithin(name, own)) ||
				(nameservers && seen.nameservers.some((name) => isWithin(name, nameservers))) ||
				(server && answer?.server && server.test(answer.server)))
	);
	return found?.name ?? said;
}
