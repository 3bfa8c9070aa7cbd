import type { Caller } from './call.server.ts';
import type { CloudflareClient } from './client.server.ts';
import { CloudflareError } from './errors.ts';
import { tokenStatusSchema, type ScopeProbe, type TokenCheck, type TokenStatus } from './types.ts';

export function tokens(client: CloudflareClient, call: Caller, accountId: string) {
	const account = { account_id: accountId };
	const asUser = (): Promise<TokenStatus> =>
		call.read({ operation: 'tokens.verify', request: { owner: 'user' } }, async (options) =>
			tokenStatusSchema.parse(await client.user.tokens.verify(options))
		);
	const asAccount = (): Promise<TokenStatus> =>
		call.read({ operation: 'tokens.verify', request: { owner: 'account' } }, async (options) =>
			tokenStatusSchema.parse(await client.accounts.tokens.verify(account, options))
		);
	const probe = async (send: () => Promise<unknown>): Promise<ScopeProbe> => {
		try {
			await send();
			return 'granted';
		} catch (error) {
			if (!(error instanceof CloudflareError)) throw error;
			if (error.kind === 'unauthorized') return 'refused';
			// Any other refusal came after the permission was checked; no answer says nothing.
			return error.kind === 'invalid' || error.kind === 'not_found' ? 'granted' : 'unknown';
		}
	};

	return {
		/**
		 * Says whether the token works and what it may read. An account's token is unknown to the user's endpoint, so
		 * both are asked; a verified token says nothing of its permissions, so each gets one cheap read.
		 * @throws CloudflareError when Cloudflare cannot be reached
		 */
		verifyToken: async (): Promise<TokenCheck> => {
			const user = await asUser().catch(unlessUnauthorized);
			const known = user ?? (await asAccount().catch(unlessUnauthorized));
			const scopes: TokenCheck['scopes'] = {
				zones: 'unknown',
				dns: 'unknown',
				tunnels: 'unknown',
				customHostnames: 'unknown'
			};
			if (!known || known.status !== 'active') {
				const owner = known ? (user ? 'user' : 'account') : null;
				const status = known?.status ?? 'invalid';
				return { valid: false, status, owner, expiresOn: known?.expires_on ?? null, scopes };
			}
			let zoneId: string | undefined;
			const read = { operation: 'tokens.probe' };
			scopes.zones = await probe(() =>
				call.read({ ...read, request: { scope: 'zones' } }, async (options) => {
					const page = await client.zones.list({ per_page: 5 }, options);
					zoneId = page.result[0]?.id;
				})
			);
			scopes.tunnels = await probe(() =>
				call.read({ ...read, request: { scope: 'tunnels' } }, (options) =>
					client.zeroTrust.tunnels.cloudflared.list({ ...account, per_page: 1 }, options)
				)
			);
			if (zoneId) {
				const zone = { zone_id: zoneId, per_page: 5 };
				scopes.dns = await probe(() =>
					call.read({ ...read, request: { scope: 'dns' } }, (options) =>
						client.dns.records.list(zone, options)
					)
				);
				scopes.customHostnames = await probe(() =>
					call.read({ ...read, request: { scope: 'customHostnames' } }, (options) =>
						client.customHostnames.list(zone, options)
					)
				);
			}
			return {
				valid: true,
				status: known.status,
				owner: user ? 'user' : 'account',
				expiresOn: known.expires_on ?? null,
				scopes
			};
		}
	};
}

function unlessUnauthorized(error: unknown): null {
	if (error instanceof CloudflareError && error.kind === 'unauthorized') return null;
	throw error;
}
