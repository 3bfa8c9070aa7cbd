import type { Tunnel } from '#prisma/generated/client.ts';
import type { IngressRule, TunnelConfig } from '../../integrations/cloudflare/types.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { localDocument } from './localTunnel.server.ts';

/** A tunnel as far as its document needs it. */
export type DocumentTunnel = Pick<
	Tunnel,
	'id' | 'cloudflareId' | 'name' | 'source' | 'hostNodeId' | 'hostVmid' | 'hostUnit' | 'hostConfig'
>;

/** The ingress document where it stands: at Cloudflare, or in a file on the host with cloudflared. */
export interface IngressDocument {
	/**
	 * What stands there now. `rules` is null for a tunnel that was never configured; `version` is the number that grows
	 * with each write, null where there is none.
	 */
	read(): Promise<{ rules: IngressRule[] | null; version: number | null }>;
	/** Replaces all rules and keeps what the document holds besides. What it did is only known by reading again. */
	write(rules: IngressRule[]): Promise<void>;
}

/** The document of a tunnel that Cloudflare's API configures. Throws `CloudflareError`. */
export async function cloudflareDocument(
	tunnel: DocumentTunnel,
	lane: 'user' | 'sync' = 'user'
): Promise<IngressDocument> {
	const client = await cloudflareClient({ subjectId: tunnel.id }, lane);
	let last: TunnelConfig | null = null;
	return {
		async read() {
			const { config, version } = await client.tunnels.getConfiguration(tunnel.cloudflareId);
			last = config;
			return { rules: config?.ingress ?? null, version };
		},
		async write(rules) {
			await client.tunnels.putConfiguration(tunnel.cloudflareId, { ...last, ingress: rules });
		}
	};
}

/** Where a tunnel's document stands, by who writes its configuration. */
export async function documentOf(
	tunnel: DocumentTunnel,
	lane: 'user' | 'sync'
): Promise<IngressDocument> {
	return tunnel.source === 'local' ? localDocument(tunnel) : cloudflareDocument(tunnel, lane);
}
