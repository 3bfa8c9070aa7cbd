import { randomBytes, randomUUID } from 'node:crypto';
import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { route } from './auth.ts';
import { ApiError, isObject, jsonBody, ok, paged } from './envelope.ts';
import {
	advance,
	caaForbids,
	dcvTarget,
	dropGivenUp,
	fallbackState,
	leadsHere
} from './hostname-state.ts';
import { isHostname } from './records.ts';
import { cloudflareDocument, timestamp, type CustomHostname } from './state.ts';
import { zoneOf } from './zones.ts';

type Ssl = NonNullable<CustomHostname['ssl']>;

function sslFrom(kernel: Kernel, value: unknown, before: Ssl | null): Ssl | null {
	if (value === undefined) return before;
	if (!isObject(value)) throw new ApiError(400, 1408, 'Invalid ssl settings.');
	const method = value.method ?? before?.method ?? 'http';
	if (method !== 'http' && method !== 'txt' && method !== 'email') {
		throw new ApiError(400, 1409, 'Invalid ssl.method: it must be http, txt or email.');
	}
	if (value.wildcard === true) {
		throw new ApiError(403, 1413, 'Wildcard custom hostnames are not available on this plan.');
	}
	const text = (name: string, usual: string) => {
		const given = value[name];
		return typeof given === 'string' ? given : usual;
	};
	// A certificate in use stays while the same settings are sent again; everything else starts validation anew.
	if (before?.status === 'active' && before.method === method) {
		return { ...before, settings: isObject(value.settings) ? value.settings : before.settings };
	}
	return {
		id: before?.id ?? randomUUID(),
		status: before ? 'pending_validation' : 'initializing',
		method,
		type: 'dv',
		wildcard: false,
		bundle_method: text('bundle_method', before?.bundle_method ?? 'ubiquitous'),
		certificate_authority: text('certificate_authority', before?.certificate_authority ?? 'google'),
		settings: isObject(value.settings) ? value.settings : (before?.settings ?? {}),
		token: before?.token ?? randomBytes(24).toString('base64url'),
		since_ms: kernel.clock.nowMs()
	};
}

function shown(kernel: Kernel, one: CustomHostname) {
	const { ssl, ownership_token, zone_id: _, status_since_ms: __, ...rest } = advance(kernel, one);
	const pending = one.status !== 'active' && {
		ownership_verification: {
			type: 'txt',
			name: `_cf-custom-hostname.${one.hostname}`,
			value: ownership_token
		},
		ownership_verification_http: {
			http_url: `http://${one.hostname}/.well-known/cf-custom-hostname-challenge/${one.id}`,
			http_body: ownership_token
		},
		verification_errors: ['custom hostname does not CNAME to this zone.']
	};
	return { ...rest, ...pending, ...(ssl ? { ssl: shownSsl(kernel, one, ssl) } : {}) };
}

function shownSsl(kernel: Kernel, one: CustomHostname, { token, since_ms: _, ...ssl }: Ssl) {
	const { hostname } = one;
	const certificate = ssl.expires_on && {
		issuer: 'GoogleTrustServices',
		serial_number: '6743787633689793699141714808227354901',
		signature: 'ECDSAWithSHA256',
		hosts: [hostname],
		uploaded_on: new Date(kernel.clock.nowMs()).toISOString()
	};
	if (ssl.status !== 'pending_validation') return { ...ssl, ...certificate };
	const proof =
		ssl.method === 'http'
			? {
					http_url: `http://${hostname}/.well-known/pki-validation/ca3-${token.slice(0, 16)}.txt`,
					http_body: `${token}\nca3-${token.slice(0, 16)}`
				}
			: { txt_name: `_acme-challenge.${hostname}`, txt_value: token };
	const unreached = ssl.method === 'http' && !leadsHere(kernel, hostname);
	const forbidden = caaForbids(kernel, one);
	return {
		...ssl,
		validation_records: [{ status: 'pending', ...proof }],
		validation_errors: [
			...(unreached ? [{ message: `${hostname} does not resolve to a Cloudflare address.` }] : []),
			...(forbidden
				? [{ message: 'caa_error: the CAA records of the domain do not let this authority issue.' }]
				: [])
		],
		dcv_delegation_records: [
			{ cname: `_acme-challenge.${hostname}`, cname_target: dcvTarget(hostname) }
		]
	};
}

/** Custom hostnames (Cloudflare for SaaS) of a zone, their fallback origin and quota. */
export function hostnameRoutes(kernel: Kernel): Route[] {
	const document = cloudflareDocument(kernel);
	const path = '/zones/:zone/custom_hostnames';
	const zone = (request: SandboxRequest, id?: string) => {
		dropGivenUp(kernel);
		return zoneOf(document.get(), request, id);
	};
	const find = (request: SandboxRequest, params: Record<string, string>): CustomHostname => {
		const { id } = zone(request, params.zone);
		const found = document
			.get()
			.hostnames.find((one) => one.id === params.hostname && one.zone_id === id);
		if (!found) throw new ApiError(404, 1436, 'The custom hostname was not found.');
		return found;
	};
	const used = (zoneId: string) =>
		document.get().hostnames.filter((one) => one.zone_id === zoneId).length;

	const fallbackRoutes = [
		route('GET', `${path}/fallback_origin`, 'ssl:edit', (request, params) => {
			const fallback = fallbackState(kernel, zone(request, params.zone).id);
			if (!fallback) throw new ApiError(404, 1551, 'No fallback origin has been set.');
			return ok(fallback);
		}),
		route('PUT', `${path}/fallback_origin`, 'ssl:edit', (request, params) => {
			const { id, name } = zone(request, params.zone);
			const { origin } = jsonBody(request);
			if (typeof origin !== 'string' || !origin.endsWith(`.${name}`)) {
				throw new ApiError(400, 1552, `The fallback origin must be a name of ${name}.`);
			}
			const at = timestamp(kernel);
			document.get().fallback[id] = {
				origin: origin.toLowerCase(),
				created_at: document.get().fallback[id]?.created_at ?? at,
				updated_at: at,
				since_ms: kernel.clock.nowMs()
			};
			document.changed();
			return ok(fallbackState(kernel, id));
		}),
		route('DELETE', `${path}/fallback_origin`, 'ssl:edit', (request, params) => {
			const { id } = zone(request, params.zone);
			const fallback = fallbackState(kernel, id);
			if (!fallback) throw new ApiError(404, 1551, 'No fallback origin has been set.');
			delete document.get().fallback[id];
			document.changed();
			return ok({ ...fallback, status: 'pending_deletion' });
		}),
		route('GET', `${path}/quota`, 'ssl:edit', (request, params) => {
			const allocated = document.get().hostname_quota;
			const count = used(zone(request, params.zone).id);
			return ok({ allocated, used: count, exceeded: count > allocated, hard_cap: 50_000 });
		})
	];

	return [
		...fallbackRoutes,
		route('POST', path, 'ssl:edit', (request, params) => {
			const { id } = zone(request, params.zone);
			const body = jsonBody(request);
			const hostname = typeof body.hostname === 'string' ? body.hostname.toLowerCase() : '';
			if (!isHostname(hostname) || !hostname.includes('.') || /^[\d.]+$/.test(hostname)) {
				throw new ApiError(400, 1407, 'Invalid custom hostname.');
			}
			if (document.get().hostnames.some((one) => one.hostname === hostname)) {
				throw new ApiError(409, 1406, 'Duplicate custom hostname found.');
			}
			if (used(id) >= document.get().hostname_quota) {
				throw new ApiError(403, 1405, 'Custom hostname quota has been reached.');
			}
			refuseEntitlements(body);
			const one: CustomHostname = {
				id: randomUUID(),
				zone_id: id,
				hostname,
				status: 'pending',
				status_since_ms: kernel.clock.nowMs(),
				ownership_token: randomUUID(),
				created_at: timestamp(kernel),
				ssl: sslFrom(kernel, body.ssl, null)
			};
			document.get().hostnames.push(one);
			document.changed();
			return { ...ok(shown(kernel, one)), status: 201 };
		}),
		route('GET', path, 'ssl:edit', (request, params) => {
			const { id } = zone(request, params.zone);
			const { query } = request;
			const all = document
				.get()
				.hostnames.filter((one) => one.zone_id === id)
				.map((one) => shown(kernel, one));
			const tests: [string, (one: (typeof all)[number], value: string) => boolean][] = [
				['id', (one, value) => one.id === value],
				['hostname', (one, value) => one.hostname.includes(value)],
				['hostname.exact', (one, value) => one.hostname === value],
				['hostname.contain', (one, value) => one.hostname.includes(value)],
				['hostname.startsWith', (one, value) => one.hostname.startsWith(value)],
				['hostname_status', (one, value) => one.status === value],
				['ssl_status', (one, value) => one.ssl?.status === value]
			];
			const found = all.filter((one) =>
				tests.every(([key, test]) => {
					const value = query.get(key);
					return value === null || test(one, value);
				})
			);
			return paged(query, found, { usual: 20, most: 50 });
		}),
		route('GET', `${path}/:hostname`, 'ssl:edit', (request, params) =>
			ok(shown(kernel, find(request, params)))
		),
		route('PATCH', `${path}/:hostname`, 'ssl:edit', (request, params) => {
			const one = find(request, params);
			const body = jsonBody(request);
			refuseEntitlements(body);
			one.ssl = sslFrom(kernel, body.ssl, one.ssl);
			if (one.status !== 'active') one.status_since_ms = kernel.clock.nowMs();
			document.changed();
			return ok(shown(kernel, one));
		}),
		route('DELETE', `${path}/:hostname`, 'ssl:edit', (request, params): SandboxResponse => {
			const { id } = find(request, params);
			const state = document.get();
			state.hostnames = state.hostnames.filter((one) => one.id !== id);
			document.changed();
			// The one call of this API that answers without the envelope.
			return { status: 200, body: { id } };
		})
	];
}

/** What only Enterprise zones may set. */
function refuseEntitlements(body: Record<string, unknown>): void {
	for (const name of ['custom_origin_server', 'custom_origin_sni', 'custom_metadata']) {
		if (body[name] !== undefined) {
			throw new ApiError(403, 1413, `${name} is not available on this plan.`);
		}
	}
}
