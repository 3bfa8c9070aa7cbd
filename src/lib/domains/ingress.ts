import type { IngressRule } from '../integrations/cloudflare/types.ts';

/** A tenant as far as its public rule goes. */
export interface PublishedTenant {
	hostname: string;
	/** Container address; null while it has none, then the control plane answers for it. */
	ipAddress: string | null;
	/** The control plane answers 503 with a page that says why. */
	suspended: boolean;
}

export interface FixedHost {
	/** One host, `*.` and a domain, or `*` for a rule that only its path decides. */
	hostname: string;
	path: string | null;
	service: string;
	/** Cloudflare's options for the way to the service; null for none. */
	originRequest: Record<string, unknown> | null;
}

/** Port of the nginx in each container: it sets X-Forwarded-Host, sends /websocket to 8072 and closes /web/database. */
export const CONTAINER_PORT = 80;

/** Every ingress document ends with it: what no rule names does not exist. */
const CATCH_ALL: IngressRule = { service: 'http_status:404' };

/**
 * The whole ingress document of a tunnel: fixed hosts in their order, tenants by name, what takes many hosts, the
 * catch-all last. cloudflared takes the first rule that fits, so nothing wide may stand before a tenant, and of one host
 * the rules with a path come first. The same rows always give the same document.
 * @param appUrl where the connector reaches the control plane
 */
export function deriveIngress(
	hosts: FixedHost[],
	tenants: PublishedTenant[],
	appUrl: string
): IngressRule[] {
	const written = (rules: FixedHost[]): IngressRule[] =>
		rules.map(({ hostname, path, service, originRequest }) => ({
			hostname,
			...(path ? { path } : {}),
			service,
			...(originRequest ? { originRequest } : {})
		}));
	const wide = hosts.filter(({ hostname }) => hostname.startsWith('*'));
	const single = hosts.filter((host) => !wide.includes(host));
	const published = tenants
		.toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1))
		.map(({ hostname, ipAddress, suspended }) => ({
			hostname,
			service: suspended || !ipAddress ? appUrl : `http://${ipAddress}:${CONTAINER_PORT}`
		}));
	return [
		...written(single.filter(({ path }) => path)),
		...written(single.filter(({ path }) => !path)),
		...published,
		...written(wide),
		CATCH_ALL
	];
}

/**
 * Rules of the document that stands there which neither we derive nor ever could have written, each once. The catch-all
 * is ours whatever it says.
 */
export function foreignRules(
	current: IngressRule[],
	derived: IngressRule[],
	isOurs: (hostname: string) => boolean
): FixedHost[] {
	const known = new Set(derived.map(ruleKey));
	const foreign: FixedHost[] = [];
	for (const rule of current) {
		const hostname = hostOf(rule);
		if (known.has(ruleKey(rule)) || isOurs(hostname) || (hostname === '*' && !rule.path)) continue;
		known.add(ruleKey(rule));
		foreign.push({
			hostname,
			path: rule.path ?? null,
			service: rule.service,
			originRequest: optionsOf(rule)
		});
	}
	return foreign;
}

/** True when both documents route alike. */
export function sameIngress(a: IngressRule[], b: IngressRule[]): boolean {
	const lines = (rules: IngressRule[]) =>
		rules.map((rule) => JSON.stringify([ruleKey(rule), rule.service, sorted(optionsOf(rule))]));
	return lines(a).join('\n') === lines(b).join('\n');
}

function ruleKey(rule: IngressRule): string {
	return `${hostOf(rule)}|${rule.path ?? ''}`;
}

/** Names of hosts have no case; no name at all and `*` mean the same. */
function hostOf({ hostname }: IngressRule): string {
	return hostname?.toLowerCase() || '*';
}

/** No options and an empty object of them mean the same. */
function optionsOf({ originRequest }: IngressRule): Record<string, unknown> | null {
	return originRequest && Object.keys(originRequest).length > 0 ? originRequest : null;
}

/** With the keys of every object in one order: PostgreSQL and Cloudflare keep them in theirs. */
function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (typeof value !== 'object' || value === null) return value;
	const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
	return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}
