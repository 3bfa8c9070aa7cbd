import { z } from 'zod';
import type { Caller } from './call.server.ts';
import type { CloudflareClient } from './client.server.ts';
import { goneIsFine } from './records.server.ts';
import {
	connectorSchema,
	tunnelConfigurationSchema,
	tunnelSchema,
	type Connector,
	type IngressRule,
	type Tunnel,
	type TunnelConfig,
	type TunnelConfiguration
} from './types.ts';

const PER_PAGE = 100;

/** What a PUT needs: `ingress` whole and in order, the rule without a host last. */
export interface WantedConfig extends Omit<TunnelConfig, 'ingress'> {
	ingress: IngressRule[];
}

export function tunnels(client: CloudflareClient, call: Caller, accountId: string) {
	const account = { account_id: accountId };
	const { cloudflared } = client.zeroTrust.tunnels;
	const configurations = (id: string) => `/accounts/${accountId}/cfd_tunnel/${id}/configurations`;

	return {
		/** The tunnels that are not deleted. @param filter name: exact */
		list: (filter: { name?: string } = {}): Promise<Tunnel[]> =>
			call.read({ operation: 'tunnels.list', request: filter }, async (options) => {
				const found: Tunnel[] = [];
				// Without `is_deleted` a name finds its deleted namesakes as well.
				const query = { ...account, ...filter, is_deleted: false, per_page: PER_PAGE };
				for await (const tunnel of cloudflared.list(query, options)) {
					found.push(tunnelSchema.parse(tunnel));
				}
				return found;
			}),
		/** Also a deleted one, with its `deleted_at`. */
		get: (tunnelId: string): Promise<Tunnel> =>
			call.read({ operation: 'tunnels.get', request: { tunnelId } }, async (options) =>
				tunnelSchema.parse(await cloudflared.get(tunnelId, account, options))
			),
		/** A tunnel that the API configures. @throws CloudflareError `duplicate` when the name is taken */
		create: (name: string): Promise<Tunnel> =>
			call.change({ operation: 'tunnels.create', key: name, request: { name } }, async (options) =>
				tunnelSchema.parse(
					await cloudflared.create({ ...account, name, config_src: 'cloudflare' }, options)
				)
			),
		/** @throws CloudflareError `in_use` while a connector is connected */
		delete: (tunnelId: string): Promise<{ deleted: boolean }> =>
			call
				.change({ operation: 'tunnels.delete', request: { tunnelId } }, async (options) => {
					await cloudflared.delete(tunnelId, account, options);
					return { deleted: true };
				})
				.catch(goneIsFine),
		getConfiguration: (tunnelId: string): Promise<TunnelConfiguration> =>
			call.read({ operation: 'tunnels.configuration', request: { tunnelId } }, async (options) =>
				tunnelConfigurationSchema.parse(
					await cloudflared.configurations.get(tunnelId, account, options)
				)
			),
		/**
		 * Replaces the whole configuration; the last writer wins, so read back. Sending the same again does no harm.
		 * @throws CloudflareError `invalid` (1056) when the last rule is no catch-all
		 */
		putConfiguration: (tunnelId: string, config: WantedConfig): Promise<TunnelConfiguration> =>
			call.change(
				{ operation: 'tunnels.configure', request: { tunnelId, config } },
				async (options) => {
					// Not the SDK's `update`: its type demands a hostname on the catch-all rule, which must have none.
					const answer = await client.put(configurations(tunnelId), {
						body: { config },
						...options
					});
					return z.looseObject({ result: tunnelConfigurationSchema }).parse(answer).result;
				}
			),
		/** The running cloudflared processes with their connections. */
		connections: (tunnelId: string): Promise<Connector[]> =>
			call.read({ operation: 'tunnels.connections', request: { tunnelId } }, async (options) => {
				const found: Connector[] = [];
				for await (const one of cloudflared.connections.get(tunnelId, account, options)) {
					found.push(connectorSchema.parse(one));
				}
				return found;
			}),
		/** Cuts all connectors off; a live cloudflared connects again by itself (this is "restart"). */
		dropConnections: (tunnelId: string): Promise<void> =>
			call.change({ operation: 'tunnels.drop', request: { tunnelId } }, async (options) => {
				await cloudflared.connections.delete(tunnelId, account, options);
			}),
		/** The secret for `cloudflared tunnel run --token`. In an object, so that a record of the answer strips it. */
		token: (tunnelId: string): Promise<{ token: string }> =>
			call.read({ operation: 'tunnels.token', request: { tunnelId } }, async (options) => ({
				token: z.string().parse(await cloudflared.token.get(tunnelId, account, options))
			}))
	};
}
