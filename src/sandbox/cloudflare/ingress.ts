import { ApiError, isObject } from './envelope.ts';
import type { IngressRule, TunnelConfig } from './state.ts';

const SCHEMES = ['http:', 'https:', 'tcp:', 'ssh:', 'rdp:', 'smb:', 'unix:', 'unix+tls:'];

function bad(message: string): never {
	throw new ApiError(400, 1056, `Bad Configuration: ${message}`);
}

/**
 * Checks a tunnel's configuration as cloudflared's `ingress` package does, with its sentences.
 * @throws ApiError 400/1056
 */
export function configFrom(value: unknown): TunnelConfig {
	if (!isObject(value)) bad('config must be an object');
	const { ingress, originRequest, ...rest } = value;
	if (originRequest !== undefined && !isObject(originRequest)) {
		bad('originRequest must be an object');
	}
	// Without any ingress cloudflared answers 503 to everything; the API takes it.
	if (ingress === undefined) return { ...rest, ...(originRequest ? { originRequest } : {}) };
	if (!Array.isArray(ingress)) bad('ingress must be a list');
	const rules = ingress.map((rule: unknown, index) => ruleFrom(rule, index, ingress.length));
	if (rules.length === 0) bad("The config file doesn't contain any ingress rules");
	return { ...rest, ingress: rules, ...(originRequest ? { originRequest } : {}) };
}

function ruleFrom(value: unknown, index: number, count: number): IngressRule {
	const number = index + 1;
	if (!isObject(value)) bad(`Rule #${number} is not an object`);
	const { hostname = '', path = '', service, originRequest } = value;
	if (typeof hostname !== 'string') bad(`Rule #${number} has an invalid hostname`);
	if (typeof path !== 'string') bad(`Rule #${number} has an invalid path`);
	if (typeof service !== 'string') bad(`Rule #${number} has no service`);
	refuseService(service);
	refuseHostname(hostname);
	if (path !== '') {
		try {
			new RegExp(path);
		} catch {
			bad(`Rule #${number} has an invalid regex: ${path}`);
		}
	}
	const isCatchAll = (hostname === '' || hostname === '*') && path === '';
	if (index === count - 1) {
		if (!isCatchAll) {
			bad(
				'The last ingress rule must match all URLs (i.e. it should not have a hostname or path filter)'
			);
		}
	} else if (isCatchAll) {
		bad(
			`Rule #${number} is matching the hostname '${hostname}', but this will match every hostname, meaning the rules which follow it will never be triggered.`
		);
	}
	return {
		...(hostname === '' ? {} : { hostname }),
		...(path === '' ? {} : { path }),
		service,
		...(isObject(originRequest) ? { originRequest } : {})
	};
}

function refuseService(service: string): void {
	if (service === 'hello_world' || service === 'bastion' || /^unix(\+tls)?:/.test(service)) return;
	if (/^http_status:/.test(service)) {
		if (!/^http_status:[1-9]\d\d$/.test(service)) bad(`invalid HTTP status ${service}`);
		return;
	}
	const url = URL.canParse(service) ? new URL(service) : null;
	if (!url || !SCHEMES.includes(url.protocol) || url.host === '') {
		bad(`${service} is an invalid address, please make sure it has a scheme and a hostname`);
	}
	if (url.pathname !== '' && url.pathname !== '/') {
		bad(
			`${service} is an invalid address, ingress rules don't support proxying to a different path on the origin service. The path will be the same as the eyeball request's path`
		);
	}
}

function refuseHostname(hostname: string): void {
	if (hostname === '' || hostname === '*') return;
	if (hostname.includes(':')) bad('Hostname cannot contain a port');
	if (hostname.includes('*') && !/^\*\.[^*]+$/.test(hostname)) {
		bad(
			'Hostname patterns can have at most one wildcard character ("*") and it can only be used for subdomains, e.g. "*.example.com"'
		);
	}
}

/** The first rule that takes a request, as cloudflared chooses: in order, host exact or by suffix, path by unanchored regex. */
export function matchIngress(
	rules: IngressRule[],
	hostname: string,
	path: string
): IngressRule | null {
	return rules.find((rule) => takesHost(rule, hostname) && takesPath(rule, path)) ?? null;
}

function takesHost({ hostname = '' }: IngressRule, host: string): boolean {
	if (hostname === '' || hostname === '*') return true;
	const pattern = hostname.toLowerCase();
	return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function takesPath({ path = '' }: IngressRule, requested: string): boolean {
	return path === '' || new RegExp(path).test(requested);
}
