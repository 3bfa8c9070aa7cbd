import { randomBytes } from 'node:crypto';
import type { Route, SandboxRequest } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { invalidToken, route, statusOf, tokenOf } from './auth.ts';
import { ApiError, isObject, jsonBody, noRoute, ok, paged } from './envelope.ts';
import {
	cloudflareDocument,
	newZone,
	timestamp,
	type CloudflareState,
	type Zone
} from './state.ts';

/** The zone of a path. @throws ApiError 7003 for what is no id, 9109 for a zone that is not ours */
export function zoneOf(state: CloudflareState, request: SandboxRequest, id = ''): Zone {
	if (!/^[0-9a-f]{32}$/.test(id)) throw noRoute(request);
	const zone = state.zones.find((known) => known.id === id);
	if (!zone) throw new ApiError(403, 9109, 'Unauthorized to access requested resource');
	return zone;
}

/** @throws ApiError 7003 for what is no id, 10000 for another's account */
export function requireAccount(state: CloudflareState, request: SandboxRequest, id = ''): void {
	if (!/^[0-9a-f]{32}$/.test(id)) throw noRoute(request);
	if (id !== state.account.id) throw new ApiError(403, 10000, 'Authentication error');
}

function shown(state: CloudflareState, zone: Zone) {
	return {
		...zone,
		development_mode: 0,
		original_name_servers: null,
		original_registrar: null,
		original_dnshost: null,
		account: { id: state.account.id, name: state.account.name },
		owner: { id: state.account.id, type: 'organization', name: state.account.name },
		meta: { step: 2, custom_certificate_quota: 0, page_rule_quota: 3, phishing_detected: false },
		// Comments of 500 characters and tags come with this plan, as records.ts allows them.
		plan: {
			id: '94f3b7b768b0458b56d2cac4fe5ec0f9',
			name: 'Pro Website',
			price: 25,
			currency: 'USD',
			frequency: 'monthly',
			is_subscribed: true,
			can_subscribe: true,
			legacy_id: 'pro',
			legacy_discount: false,
			externally_managed: false
		},
		permissions: ['#dns_records:edit', '#dns_records:read', '#zone:read']
	};
}

/** Token checks, accounts and zones. */
export function zoneRoutes(kernel: Kernel): Route[] {
	const document = cloudflareDocument(kernel);
	const verified = (request: SandboxRequest, owner: 'user' | 'account') => {
		const token = tokenOf(request);
		// An account's token is unknown to the user's endpoint, and the other way round.
		if (token.owner !== owner) throw invalidToken();
		const { id, expires_on } = token;
		const body = { id, status: statusOf(kernel, token), ...(expires_on ? { expires_on } : {}) };
		const answer = ok(body);
		return body.status === 'active'
			? {
					...answer,
					body: {
						...(isObject(answer.body) ? answer.body : {}),
						messages: [{ code: 10000, message: 'This API Token is valid and active', type: null }]
					}
				}
			: answer;
	};
	const account = () => {
		const { id, name, created_on } = document.get().account;
		const settings = { enforce_twofactor: false };
		return { id, name, type: 'standard', settings, created_on };
	};

	return [
		route('GET', '/user/tokens/verify', null, (request) => verified(request, 'user')),
		route('GET', '/accounts/:account/tokens/verify', null, (request, { account: id }) => {
			requireAccount(document.get(), request, id);
			return verified(request, 'account');
		}),
		route('GET', '/accounts', 'account:read', ({ query }) => {
			const name = query.get('name');
			const all = [account()].filter((one) => !name || one.name === name);
			return paged(query, all, { usual: 20, most: 50 });
		}),
		route('GET', '/accounts/:account', 'account:read', (request, params) => {
			requireAccount(document.get(), request, params.account);
			return ok(account());
		}),
		route('GET', '/zones', 'zone:read', ({ query }) => {
			const state = document.get();
			const wanted: [string | null, (zone: Zone) => string][] = [
				[query.get('name'), (zone) => zone.name],
				[query.get('status'), (zone) => zone.status],
				[query.get('account.id'), () => state.account.id],
				[query.get('account.name'), () => state.account.name]
			];
			const found = state.zones.filter((zone) =>
				wanted.every(([value, of]) => value === null || of(zone) === value)
			);
			if (query.get('direction') === 'desc') found.reverse();
			const all = found.map((zone) => shown(state, zone));
			return paged(query, all, { usual: 20, most: 50 });
		}),
		route('POST', '/zones', 'zone:edit', (request) => {
			const state = document.get();
			const { name, account: owner } = jsonBody(request);
			if (typeof name !== 'string' || !/^([a-z0-9-]+\.)+[a-z]{2,}$/.test(name)) {
				throw new ApiError(400, 1049, `${String(name)} is not a registered domain`);
			}
			if (!isObject(owner) || owner.id !== state.account.id) {
				throw new ApiError(403, 10000, 'Authentication error');
			}
			if (state.zones.some((zone) => zone.name === name)) {
				throw new ApiError(400, 1061, `${name} already exists`);
			}
			const zone = newZone(randomBytes(16).toString('hex'), name, 'pending', timestamp(kernel));
			state.zones.push(zone);
			document.changed();
			return ok(shown(state, zone));
		}),
		route('GET', '/zones/:zone', 'zone:read', (request, params) => {
			const state = document.get();
			return ok(shown(state, zoneOf(state, request, params.zone)));
		}),
		route('PATCH', '/zones/:zone', 'zone:edit', (request, params) => {
			const state = document.get();
			const zone = zoneOf(state, request, params.zone);
			const { paused } = jsonBody(request);
			if (typeof paused === 'boolean') zone.paused = paused;
			zone.modified_on = timestamp(kernel);
			document.changed();
			return ok(shown(state, zone));
		}),
		route('PUT', '/zones/:zone/activation_check', 'zone:edit', (request, params) => {
			const zone = zoneOf(document.get(), request, params.zone);
			if (zone.status !== 'pending') {
				throw new ApiError(400, 1224, 'Zone is not pending activation');
			}
			return ok({ id: zone.id });
		})
	];
}
