import { createHash } from 'node:crypto';
import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';

export type Scope =
	| 'account:read'
	| 'zone:read'
	| 'zone:edit'
	| 'dns:edit'
	| 'dns:read'
	| 'ssl:edit'
	| 'tunnel:edit'
	| 'tunnel:read';

export interface Token {
	id: string;
	/** The secret: 40 characters of `[A-Za-z0-9_-]`, as Cloudflare's are. */
	value: string;
	owner: 'user' | 'account';
	status: 'active' | 'disabled' | 'expired';
	scopes: Scope[];
	expires_on: string | null;
}

export interface Zone {
	id: string;
	name: string;
	status: 'initializing' | 'pending' | 'active' | 'moved';
	type: 'full' | 'partial';
	paused: boolean;
	name_servers: string[];
	created_on: string;
	modified_on: string;
	activated_on: string | null;
}

export interface DnsRecord {
	id: string;
	zone_id: string;
	name: string;
	type: string;
	content: string;
	ttl: number;
	proxied: boolean;
	proxiable: boolean;
	comment: string | null;
	tags: string[];
	priority?: number;
	data?: Record<string, unknown>;
	settings: Record<string, unknown>;
	created_on: string;
	modified_on: string;
}

export interface IngressRule {
	hostname?: string;
	path?: string;
	service: string;
	originRequest?: Record<string, unknown>;
}

export interface TunnelConfig {
	ingress?: IngressRule[];
	originRequest?: Record<string, unknown>;
	'warp-routing'?: Record<string, unknown>;
}

export interface Connector {
	id: string;
	version: string;
	arch: string;
	run_at: string;
	origin_ip: string;
	conns: { id: string; colo_name: string; opened_at: string }[];
}

export interface Tunnel {
	id: string;
	name: string;
	secret: string;
	config_src: 'cloudflare' | 'local';
	created_at: string;
	deleted_at: string | null;
	conns_active_at: string | null;
	conns_inactive_at: string | null;
	connectors: Connector[];
	config: TunnelConfig | null;
	version: number;
	configured_at: string;
}

export interface CustomHostname {
	id: string;
	zone_id: string;
	hostname: string;
	status: 'pending' | 'active' | 'moved';
	/** Sandbox milliseconds since the epoch at which `status` was entered, or validation was begun anew. */
	status_since_ms: number;
	/** What must stand in `_cf-custom-hostname.<hostname>`. */
	ownership_token: string;
	created_at: string;
	custom_metadata?: Record<string, unknown>;
	custom_origin_server?: string;
	custom_origin_sni?: string;
	ssl: {
		id: string;
		status:
			| 'initializing'
			| 'pending_validation'
			| 'pending_issuance'
			| 'pending_deployment'
			| 'active'
			| 'validation_timed_out'
			| 'expired';
		method: 'http' | 'txt' | 'email';
		type: 'dv';
		wildcard: boolean;
		bundle_method: string;
		certificate_authority: string;
		settings: Record<string, unknown>;
		token: string;
		/** Sandbox milliseconds since the epoch at which `status` was entered. */
		since_ms: number;
		expires_on?: string;
	} | null;
}

export interface FallbackOrigin {
	origin: string;
	created_at: string;
	updated_at: string;
	/** Sandbox milliseconds since the epoch at which the deployment began. */
	since_ms: number;
}

export interface CloudflareState {
	account: { id: string; name: string; created_on: string };
	tokens: Token[];
	zones: Zone[];
	records: DnsRecord[];
	tunnels: Tunnel[];
	hostnames: CustomHostname[];
	/** By zone id. */
	fallback: Record<string, FallbackOrigin>;
	/** How many custom hostnames a zone may have. */
	hostname_quota: number;
	/** Requests per token and window; refused only while `enforced`. */
	rate_limit: { enforced: boolean; requests: number; window_seconds: number };
}

const ALL_SCOPES: Scope[] = [
	'account:read',
	'zone:read',
	'zone:edit',
	'dns:read',
	'dns:edit',
	'ssl:edit',
	'tunnel:read',
	'tunnel:edit'
];
const BORN = '2024-03-11T14:05:00.000000Z';

// Derived from the name, so that a reset or a new folder leaves the application's settings valid.
const seeded = (name: string) => createHash('sha256').update(`sandbox ${name}`).digest('hex');

export const ACCOUNT_ID = seeded('account').slice(0, 32);
export const TOKEN = `sandbox_${seeded('token').slice(0, 32)}`;
export const TUNNEL_ID = asUuid(seeded('tunnel'));
export const zoneIdOf = (name: string): string => seeded(`zone ${name}`).slice(0, 32);

export function asUuid(hex: string): string {
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function newZone(id: string, name: string, status: Zone['status'], at: string): Zone {
	return {
		id,
		name,
		status,
		type: 'full',
		paused: false,
		name_servers: ['dana.ns.cloudflare.com', 'rob.ns.cloudflare.com'],
		created_on: at,
		modified_on: at,
		activated_on: status === 'active' ? at : null
	};
}

export function newConnector(seed: string, at: string): Connector {
	const hex = seeded(`connector ${seed}`);
	return {
		id: asUuid(hex),
		version: '2026.10.1',
		arch: 'linux_amd64',
		run_at: at,
		origin_ip: '198.51.100.7',
		conns: ['mia01', 'mia05', 'bog01', 'bog02'].map((colo, index) => ({
			id: asUuid(seeded(`connection ${seed} ${index}`)),
			colo_name: colo,
			opened_at: at
		}))
	};
}

function initialState(): CloudflareState {
	return {
		account: { id: ACCOUNT_ID, name: 'Jeturing SRL', created_on: BORN },
		tokens: [
			{
				id: seeded('token id').slice(0, 32),
				value: TOKEN,
				owner: 'user',
				status: 'active',
				scopes: ALL_SCOPES,
				expires_on: null
			}
		],
		zones: ['sajet.us', 'triboka.com'].map((name) => newZone(zoneIdOf(name), name, 'active', BORN)),
		records: [],
		tunnels: [
			{
				id: TUNNEL_ID,
				name: 'tcs-sajet-tunnel',
				secret: Buffer.from(seeded('tunnel secret'), 'hex').toString('base64'),
				config_src: 'cloudflare',
				created_at: BORN,
				deleted_at: null,
				conns_active_at: BORN,
				conns_inactive_at: null,
				connectors: [newConnector(TUNNEL_ID, BORN)],
				config: { ingress: [{ service: 'http_status:404' }] },
				version: 1,
				configured_at: BORN
			}
		],
		hostnames: [],
		fallback: {},
		hostname_quota: 100,
		rate_limit: { enforced: false, requests: 1200, window_seconds: 300 }
	};
}

const documents = new WeakMap<Kernel, StoreDocument<CloudflareState>>();

/** The account's one document, shared by API, edge and DNS of a sandbox. */
export function cloudflareDocument(kernel: Kernel): StoreDocument<CloudflareState> {
	let document = documents.get(kernel);
	if (!document) {
		document = kernel.store.document('cloudflare', initialState);
		documents.set(kernel, document);
	}
	return document;
}

/** The sandbox's time as Cloudflare writes it: microseconds and `Z`. */
export function timestamp(kernel: Kernel): string {
	return new Date(kernel.clock.nowMs()).toISOString().replace('Z', '000Z');
}
