import { isIP } from 'node:net';
import { matchIngress } from '../cloudflare/ingress.ts';
import { advance, fallbackState } from '../cloudflare/hostname-state.ts';
import { cloudflareDocument, type CloudflareState, type DnsRecord } from '../cloudflare/state.ts';
import { localRules } from '../cloudflared/state.ts';
import { resolve } from '../dns/resolve.ts';
import { isWithin } from '../dns/zones.ts';
import type { Kernel } from '../kernel/kernel.ts';

type EdgeError = 1000 | 1001 | 1003 | 1016 | 1033;

/** Where a request goes, or which of Cloudflare's errors it meets. */
export type Origin =
	| { kind: 'service'; service: string; originRequest: Record<string, unknown> }
	| { kind: 'address'; address: string }
	| { kind: 'error'; code: EdgeError };

const error = (code: EdgeError): Origin => ({ kind: 'error', code });
const LONGEST_CHAIN = 8;

/**
 * The host that a browser means. Browsers resolve `*.localhost` to loopback, so `acme.localhost` stands for
 * the record `acme.<zone>` that exists, and `erp.customer.com.localhost` for that name itself.
 * @param header the Host header, with or without a port
 */
export function canonicalHost(kernel: Kernel, header: string): string {
	const host = header.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
	if (!host.endsWith('.localhost')) return host;
	const state = cloudflareDocument(kernel).get();
	const name = host.slice(0, -'.localhost'.length);
	const held = state.zones.some((zone) => isWithin(name, zone.name));
	if (held || state.hostnames.some(({ hostname }) => hostname === name)) return name;
	const known = state.zones.find((zone) => recordFor(state, `${name}.${zone.name}`));
	return `${name}.${(known ?? state.zones[0])?.name ?? 'invalid'}`;
}

/** Follows a host to its origin: record, tunnel, ingress rule. @param path of the URL, for rules with a path */
export function originOf(kernel: Kernel, host: string, path: string): Origin {
	const state = cloudflareDocument(kernel).get();
	if (isIP(host.replace(/^\[|\]$/g, '')) > 0 || host === 'localhost') return error(1003);
	if (state.zones.some((zone) => isWithin(host, zone.name))) {
		return fromRecord(kernel, state, host, { host, path }, 0);
	}
	const custom = state.hostnames.find(({ hostname }) => hostname === host);
	// A name that leads here without being ours: Cloudflare does not know what to do with it.
	if (!custom) return error(1001);
	const fallback = fallbackState(kernel, custom.zone_id);
	if (advance(kernel, custom).status !== 'active' || fallback?.status !== 'active')
		return error(1016);
	return fromRecord(kernel, state, fallback.origin, { host, path }, 0);
}

function fromRecord(
	kernel: Kernel,
	state: CloudflareState,
	name: string,
	asked: { host: string; path: string },
	depth: number
): Origin {
	const record = recordFor(state, name);
	if (!record?.proxied || depth > LONGEST_CHAIN) return error(1016);
	if (record.type !== 'CNAME') {
		return isPrivate(record.content) ? error(1000) : { kind: 'address', address: record.content };
	}
	const tunnelId = /^([0-9a-f-]{36})\.cfargotunnel\.com$/.exec(record.content)?.[1];
	if (tunnelId) return throughTunnel(kernel, state, tunnelId, asked);
	if (recordFor(state, record.content)?.proxied) {
		return fromRecord(kernel, state, record.content, asked, depth + 1);
	}
	const address = resolve(kernel, record.content, 'A').answers.find(({ type }) => type === 'A');
	if (!address) return error(1016);
	return isPrivate(address.content) ? error(1000) : { kind: 'address', address: address.content };
}

function throughTunnel(
	kernel: Kernel,
	state: CloudflareState,
	id: string,
	asked: { host: string; path: string }
): Origin {
	const tunnel = state.tunnels.find((one) => one.id === id && !one.deleted_at);
	if (!tunnel || tunnel.connectors.length === 0) return error(1033);
	// A local one routes by its file as it was when the service read it.
	const local = tunnel.config_src === 'local' ? localRules(kernel, id) : null;
	if (local === 'down') return error(1033);
	const rule = matchIngress(local ?? tunnel.config?.ingress ?? [], asked.host, asked.path);
	// cloudflared without ingress rules answers 503 to everything.
	if (!rule) return { kind: 'service', service: 'http_status:503', originRequest: {} };
	const originRequest = { ...tunnel.config?.originRequest, ...rule.originRequest };
	return { kind: 'service', service: rule.service, originRequest };
}

/** The record that serves a host: its own, else the nearest wildcard. */
function recordFor(state: CloudflareState, host: string): DnsRecord | undefined {
	const hosts = state.records.filter(({ type }) => ['A', 'AAAA', 'CNAME'].includes(type));
	const own = hosts.find((record) => record.name === host);
	if (own || state.records.some((record) => record.name === host)) return own;
	for (let parent = host; parent.includes('.');) {
		parent = parent.slice(parent.indexOf('.') + 1);
		const wildcard = hosts.find((record) => record.name === `*.${parent}`);
		if (wildcard) return wildcard;
	}
	return undefined;
}

function isPrivate(address: string): boolean {
	return /^(10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd])/i.test(
		address
	);
}
