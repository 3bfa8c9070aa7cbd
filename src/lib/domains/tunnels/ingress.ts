import type { IngressRule } from '../../integrations/cloudflare/types.ts';

/** A host of a tenant as far as its rules go. */
export interface HostRoute {
	hostname: string;
	/** Address of the container; null where the control plane answers: suspended, sent on to another host, or not yet placed. */
	ipAddress: string | null;
	/** What the container is asked for instead of the host itself; null for the platform's own names. */
	hostHeader: string | null;
	/**
	 * Address of the container that answers for the health of this host alone, while the control plane sends all the rest
	 * on to a primary domain; null or absent: nobody.
	 */
	healthAddress?: string | null;
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

/** Odoo's bus: WebSocket since 16, long polling before. A rule of its own, so that it can be led and tuned apart. */
export const WEBSOCKET_PATH = '^/(websocket|longpolling)(/|$)';

/** Odoo answers it without a database: how we see that an instance is alive whose visitors are sent on. */
export const HEALTH_PATH = '/web/health';

/** Every ingress document ends with it: what no rule names does not exist. */
const CATCH_ALL: IngressRule = { service: 'http_status:404' };

/**
 * The whole ingress document of a tunnel: fixed hosts in their order, tenants' hosts by name (each with its WebSocket rule
 * before its HTTP rule, or with a rule that leads to the control plane), what takes many hosts, the catch-all last.
 * cloudflared takes the first rule that fits, so nothing wide may stand before a tenant, and of one host the rules with a
 * path come first. The same rows always give the same document.
 * @param appUrl where the connector reaches the control plane
 */
export function deriveIngress(
	hosts: FixedHost[],
	routes: HostRoute[],
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
	const published = routes
		.toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1))
		.flatMap(({ hostname, ipAddress, hostHeader, healthAddress }): IngressRule[] => {
			const container = (address: string) => `http://${address}:${CONTAINER_PORT}`;
			if (!ipAddress)
				return [
					...(healthAddress
						? [{ hostname, path: `^${HEALTH_PATH}$`, service: container(healthAddress) }]
						: []),
					{ hostname, service: appUrl }
				];
			const way = {
				service: container(ipAddress),
				// The database is chosen by the host that the container sees: `dbfilter ^%d$`.
				...(hostHeader ? { originRequest: { httpHostHeader: hostHeader } } : {})
			};
			return [
				{ hostname, path: WEBSOCKET_PATH, ...way },
				{ hostname, ...way }
			];
		});
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
	return a.length === b.length && ingressText(a) === ingressText(b);
}

/** What a document says, in one form: the same text for all that route alike. */
export function ingressText(rules: IngressRule[]): string {
	return rules.map(ruleText).join('\n');
}

/** What one rule says, in one form. */
export function ruleText(rule: IngressRule): string {
	return JSON.stringify([ruleKey(rule), rule.service, sorted(optionsOf(rule))]);
}

/** What a rule is known by: its host and its path. */
export function ruleKey(rule: IngressRule): string {
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
