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
	hostname: string;
	path: string | null;
	service: string;
}

/** Port of the nginx in each container: it sets X-Forwarded-Host, sends /websocket to 8072 and closes /web/database. */
export const CONTAINER_PORT = 80;

/** Every ingress document ends with it: what no rule names does not exist. */
const CATCH_ALL: IngressRule = { service: 'http_status:404' };

/**
 * The whole ingress document of a tunnel: fixed hosts in their order, tenants by name, the catch-all last.
 * The same rows always give the same document.
 * @param appUrl where the connector reaches the control plane
 */
export function deriveIngress(
	hosts: FixedHost[],
	tenants: PublishedTenant[],
	appUrl: string
): IngressRule[] {
	const fixed = hosts.map(({ hostname, path, service }) => ({
		hostname,
		...(path ? { path } : {}),
		service
	}));
	const published = tenants
		.toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1))
		.map(({ hostname, ipAddress, suspended }) => ({
			hostname,
			service: suspended || !ipAddress ? appUrl : `http://${ipAddress}:${CONTAINER_PORT}`
		}));
	return [...fixed, ...published, CATCH_ALL];
}

/** Rules of the document that stands there which neither we derive nor ever could have written. */
export function foreignRules(
	current: IngressRule[],
	derived: IngressRule[],
	isOurs: (hostname: string) => boolean
): FixedHost[] {
	const known = new Set(derived.map(ruleKey));
	return current
		.filter((rule) => rule.hostname && !known.has(ruleKey(rule)) && !isOurs(rule.hostname))
		.map((rule) => ({ hostname: rule.hostname!, path: rule.path ?? null, service: rule.service }));
}

/** True when both documents route alike: vendor's extra fields count only when a rule of ours has them. */
export function sameIngress(a: IngressRule[], b: IngressRule[]): boolean {
	const lines = (rules: IngressRule[]) =>
		rules.map((rule) => `${ruleKey(rule)} ${rule.service}`).join('\n');
	return lines(a) === lines(b);
}

function ruleKey(rule: IngressRule): string {
	return `${rule.hostname ?? ''}|${rule.path ?? ''}`;
}
