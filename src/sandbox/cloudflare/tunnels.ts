import { randomBytes, randomUUID } from 'node:crypto';
import type { Route, SandboxRequest } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { route } from './auth.ts';
import { ApiError, isObject, jsonBody, ok, paged } from './envelope.ts';
import { configFrom } from './ingress.ts';
import {
	cloudflareDocument,
	timestamp,
	type CloudflareState,
	type Connector,
	type Tunnel,
	type TunnelConfig
} from './state.ts';
import { requireAccount } from './zones.ts';

const CONNECTIONS_OF_A_CONNECTOR = 4;

export function tunnelStatus(tunnel: Tunnel): 'inactive' | 'degraded' | 'healthy' | 'down' {
	if (tunnel.connectors.length === 0) return tunnel.conns_active_at ? 'down' : 'inactive';
	const whole = tunnel.connectors.some(({ conns }) => conns.length >= CONNECTIONS_OF_A_CONNECTOR);
	return whole ? 'healthy' : 'degraded';
}

function shown(state: CloudflareState, tunnel: Tunnel) {
	const connections = tunnel.connectors.flatMap((connector) =>
		connector.conns.map((conn) => shownConnection(connector, conn))
	);
	return {
		id: tunnel.id,
		account_tag: state.account.id,
		name: tunnel.name,
		created_at: tunnel.created_at,
		deleted_at: tunnel.deleted_at,
		connections,
		conns_active_at: tunnel.connectors.length > 0 ? tunnel.conns_active_at : null,
		conns_inactive_at: tunnel.connectors.length > 0 ? null : tunnel.conns_inactive_at,
		tun_type: 'cfd_tunnel',
		metadata: {},
		status: tunnelStatus(tunnel),
		remote_config: tunnel.config_src === 'cloudflare',
		config_src: tunnel.config_src
	};
}

function shownConnection(connector: Connector, conn: Connector['conns'][number]) {
	return {
		...conn,
		uuid: conn.id,
		client_id: connector.id,
		client_version: connector.version,
		origin_ip: connector.origin_ip,
		is_pending_reconnect: false
	};
}

function shownConnector(tunnel: Tunnel, connector: Connector) {
	return {
		id: connector.id,
		version: connector.version,
		arch: connector.arch,
		run_at: connector.run_at,
		config_version: tunnel.version,
		features: ['allow_remote_config', 'serialized_headers', 'support_datagram_v2'],
		conns: connector.conns.map((conn) => shownConnection(connector, conn))
	};
}

/** Writes a whole configuration, as the API, the dashboard or any other writer does: the last one wins. */
export function writeConfig(tunnel: Tunnel, config: TunnelConfig, at: string): void {
	tunnel.config = config;
	tunnel.version += 1;
	tunnel.configured_at = at;
}

/** Cuts connectors off; none named: all. */
export function disconnect(tunnel: Tunnel, at: string, clientId?: string | null): void {
	const before = tunnel.connectors.length;
	tunnel.connectors = clientId ? tunnel.connectors.filter(({ id }) => id !== clientId) : [];
	if (before > 0 && tunnel.connectors.length === 0) tunnel.conns_inactive_at = at;
}

/** Tunnels of the account. */
export function tunnelRoutes(kernel: Kernel): Route[] {
	const document = cloudflareDocument(kernel);
	const path = '/accounts/:account/cfd_tunnel';

	const find = (request: SandboxRequest, { account, tunnel }: Record<string, string>): Tunnel => {
		const state = document.get();
		requireAccount(state, request, account);
		const found = state.tunnels.find(({ id }) => id === tunnel);
		if (!found) throw new ApiError(404, 1003, 'Tunnel not found');
		return found;
	};
	const findLive: typeof find = (request, params) => {
		const tunnel = find(request, params);
		if (tunnel.deleted_at) throw new ApiError(404, 1003, 'Tunnel not found');
		return tunnel;
	};
	const configuration = (tunnel: Tunnel) =>
		ok({
			tunnel_id: tunnel.id,
			account_id: document.get().account.id,
			version: tunnel.version,
			config: tunnel.config,
			source: tunnel.config_src,
			created_at: tunnel.configured_at
		});
	const nameOf = (name: unknown, except?: Tunnel): string => {
		if (typeof name !== 'string' || name.trim() === '') {
			throw new ApiError(400, 1004, 'Tunnel name is required');
		}
		const taken = document
			.get()
			.tunnels.some((one) => one !== except && !one.deleted_at && one.name === name);
		if (taken) throw new ApiError(409, 1013, 'You already have a tunnel with this name.');
		return name;
	};
	const secretOf = (secret: unknown): string => {
		if (secret === undefined) return randomBytes(32).toString('base64');
		if (typeof secret !== 'string' || Buffer.from(secret, 'base64').length < 32) {
			throw new ApiError(400, 1005, 'Tunnel secret must be at least 32 bytes, base64 encoded');
		}
		return secret;
	};

	return [
		route('POST', path, 'tunnel:edit', (request, { account }) => {
			const state = document.get();
			requireAccount(state, request, account);
			const body = jsonBody(request);
			const name = nameOf(body.name);
			const at = timestamp(kernel);
			const tunnel: Tunnel = {
				id: randomUUID(),
				name,
				secret: secretOf(body.tunnel_secret),
				config_src: body.config_src === 'cloudflare' ? 'cloudflare' : 'local',
				created_at: at,
				deleted_at: null,
				conns_active_at: null,
				conns_inactive_at: at,
				connectors: [],
				config: null,
				version: 0,
				configured_at: at
			};
			state.tunnels.push(tunnel);
			document.changed();
			return ok(shown(state, tunnel));
		}),
		route('GET', path, 'tunnel:read', (request, { account }) => {
			const state = document.get();
			requireAccount(state, request, account);
			const { query } = request;
			const tests: [string, (tunnel: Tunnel, value: string) => boolean][] = [
				['name', (tunnel, value) => tunnel.name === value],
				['uuid', (tunnel, value) => tunnel.id === value],
				['status', (tunnel, value) => tunnelStatus(tunnel) === value],
				['is_deleted', (tunnel, value) => String(tunnel.deleted_at !== null) === value],
				['include_prefix', (tunnel, value) => tunnel.name.startsWith(value)],
				['exclude_prefix', (tunnel, value) => !tunnel.name.startsWith(value)]
			];
			const found = state.tunnels.filter((tunnel) =>
				tests.every(([key, test]) => {
					const value = query.get(key);
					return value === null || test(tunnel, value);
				})
			);
			const all = found.map((tunnel) => shown(state, tunnel));
			return paged(query, all, { usual: 20, most: 1000 });
		}),
		route('GET', `${path}/:tunnel`, 'tunnel:read', (request, params) =>
			ok(shown(document.get(), find(request, params)))
		),
		route('PATCH', `${path}/:tunnel`, 'tunnel:edit', (request, params) => {
			const tunnel = findLive(request, params);
			const body = jsonBody(request);
			// `config_src` is fixed at birth and what is sent for it is ignored.
			if (body.name !== undefined) tunnel.name = nameOf(body.name, tunnel);
			if (body.tunnel_secret !== undefined) tunnel.secret = secretOf(body.tunnel_secret);
			document.changed();
			return ok(shown(document.get(), tunnel));
		}),
		route('DELETE', `${path}/:tunnel`, 'tunnel:edit', (request, params) => {
			const tunnel = findLive(request, params);
			if (tunnel.connectors.length > 0) {
				throw new ApiError(
					400,
					1022,
					'Cannot delete tunnel because it has active connections. You can force delete the tunnel by running `cloudflared tunnel cleanup` first.'
				);
			}
			tunnel.deleted_at = timestamp(kernel);
			document.changed();
			return ok(shown(document.get(), tunnel));
		}),
		route('GET', `${path}/:tunnel/configurations`, 'tunnel:read', (request, params) =>
			configuration(findLive(request, params))
		),
		route('PUT', `${path}/:tunnel/configurations`, 'tunnel:edit', (request, params) => {
			const tunnel = findLive(request, params);
			const body = jsonBody(request);
			const config = configFrom(isObject(body.config) ? body.config : {});
			// A tunnel that its own machine configures takes the call and ignores it.
			if (tunnel.config_src === 'cloudflare') {
				writeConfig(tunnel, config, timestamp(kernel));
				document.changed();
			}
			return configuration(tunnel);
		}),
		route('GET', `${path}/:tunnel/token`, 'tunnel:edit', (request, params) => {
			const tunnel = findLive(request, params);
			const parts = { a: document.get().account.id, t: tunnel.id, s: tunnel.secret };
			return ok(Buffer.from(JSON.stringify(parts)).toString('base64'));
		}),
		route('GET', `${path}/:tunnel/connections`, 'tunnel:read', (request, params) => {
			const tunnel = findLive(request, params);
			return ok(tunnel.connectors.map((connector) => shownConnector(tunnel, connector)));
		}),
		route('GET', `${path}/:tunnel/connectors/:connector`, 'tunnel:read', (request, params) => {
			const tunnel = findLive(request, params);
			const connector = tunnel.connectors.find(({ id }) => id === params.connector);
			if (!connector) throw new ApiError(404, 1003, 'Connector not found');
			return ok(shownConnector(tunnel, connector));
		}),
		route('DELETE', `${path}/:tunnel/connections`, 'tunnel:edit', (request, params) => {
			const tunnel = findLive(request, params);
			disconnect(tunnel, timestamp(kernel), request.query.get('client_id'));
			document.changed();
			return ok(null);
		})
	];
}
