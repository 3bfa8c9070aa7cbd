import { createHash, randomBytes } from 'node:crypto';
import type { Route } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { ApiError, controlRoute, jsonBody } from './envelope.ts';
import { configFrom } from './ingress.ts';
import {
	cloudflareDocument,
	newConnector,
	newZone,
	timestamp,
	zoneIdOf,
	type Scope,
	type Tunnel
} from './state.ts';
import { activeHostname } from './hostname-state.ts';
import { disconnect, tunnelStatus, writeConfig } from './tunnels.ts';

const SCOPES: Scope[] = [
	'account:read',
	'zone:read',
	'zone:edit',
	'dns:read',
	'dns:edit',
	'ssl:edit',
	'tunnel:read',
	'tunnel:edit'
];

/** What happens at Cloudflare without the product: another writer, a connector that dies, a token that is rolled. */
export function cloudflareControlRoutes(kernel: Kernel): Route[] {
	const document = cloudflareDocument(kernel);
	const route = controlRoute('/__sandbox/cloudflare');
	const tunnelOf = ({ tunnel: id }: Record<string, string>): Tunnel => {
		const found = document.get().tunnels.find((tunnel) => tunnel.id === id);
		if (!found) throw new ApiError(404, 1003, 'Tunnel not found');
		return found;
	};
	const shown = (tunnel: Tunnel) => ({
		id: tunnel.id,
		name: tunnel.name,
		status: tunnelStatus(tunnel),
		version: tunnel.version,
		config: tunnel.config,
		connectors: tunnel.connectors.length
	});

	return [
		route('POST', '/tunnels/:tunnel/ingress', (request, params) => {
			const tunnel = tunnelOf(params);
			const { ingress } = jsonBody(request);
			writeConfig(tunnel, configFrom({ ...tunnel.config, ingress }), timestamp(kernel));
			document.changed();
			return { status: 200, body: shown(tunnel) };
		}),
		route('POST', '/tunnels/:tunnel/connector', (request, params) => {
			const tunnel = tunnelOf(params);
			const { online, connections } = jsonBody(request);
			if (typeof online !== 'boolean') throw new ApiError(400, 1, 'online must be true or false');
			const at = timestamp(kernel);
			if (online) {
				const connector = newConnector(tunnel.id, at);
				if (typeof connections === 'number') connector.conns.splice(connections);
				tunnel.connectors = [connector];
				tunnel.conns_active_at = at;
			} else {
				disconnect(tunnel, at);
			}
			document.changed();
			return { status: 200, body: shown(tunnel) };
		}),
		route('POST', '/tokens', (request) => {
			const body = jsonBody(request);
			const wanted: unknown[] = Array.isArray(body.scopes) ? body.scopes : SCOPES;
			const scopes = SCOPES.filter((scope) => wanted.includes(scope));
			const value = `sandbox_${randomBytes(16).toString('hex')}`;
			document.get().tokens.push({
				id: createHash('sha256').update(value).digest('hex').slice(0, 32),
				value,
				owner: body.owner === 'account' ? 'account' : 'user',
				status: body.status === 'disabled' ? 'disabled' : 'active',
				scopes,
				expires_on: typeof body.expires_on === 'string' ? body.expires_on : null
			});
			document.changed();
			return { status: 200, body: { token: value, scopes } };
		}),
		route('POST', '/hostnames', (request) => {
			const { zone, hostnames } = jsonBody(request);
			const zoneId = document.get().zones.find(({ name }) => name === zone)?.id;
			if (!zoneId || !Array.isArray(hostnames)) throw new ApiError(400, 1, 'zone and hostnames');
			const made = hostnames.map((name) => activeHostname(kernel, zoneId, String(name)));
			document.get().hostnames.push(...made);
			document.changed();
			return {
				status: 200,
				body: made.map(({ id, hostname, ssl }) => ({ id, hostname, expires_on: ssl?.expires_on }))
			};
		}),
		route('POST', '/rate-limit', (request) => {
			const body = jsonBody(request);
			const limit = document.get().rate_limit;
			limit.enforced = body.enforced === true;
			if (typeof body.requests === 'number') limit.requests = body.requests;
			if (typeof body.window_seconds === 'number') limit.window_seconds = body.window_seconds;
			document.changed();
			return { status: 200, body: limit };
		}),
		route('POST', '/zones', (request) => {
			const { name, status } = jsonBody(request);
			if (typeof name !== 'string') throw new ApiError(400, 1, 'name is missing');
			const { zones } = document.get();
			const wanted = status === 'pending' ? 'pending' : 'active';
			const known = zones.find((zone) => zone.name === name);
			const zone = known ?? newZone(zoneIdOf(name), name, wanted, timestamp(kernel));
			if (!known) zones.push(zone);
			zone.status = wanted;
			zone.activated_on = wanted === 'active' ? (zone.activated_on ?? timestamp(kernel)) : null;
			document.changed();
			return { status: 200, body: zone };
		}),
		route('GET', '', () => {
			const { zones, records, tunnels, hostnames } = document.get();
			return { status: 200, body: { zones, records, tunnels: tunnels.map(shown), hostnames } };
		})
	];
}
