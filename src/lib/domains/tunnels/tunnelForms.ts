import { z } from 'zod';
import { tickbox } from '#lib/core/tickbox.ts';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';

/** Where cloudflared runs, so that its log can be read and, for a local one, its configuration written. */
const host = {
	/** The Proxmox node on which, or in a container of which, cloudflared runs; empty when it is none of ours. */
	host_node_id: z
		.uuid()
		.optional()
		.or(z.literal('').transform(() => undefined)),
	host_vmid: z.coerce
		.number()
		.int()
		.min(100)
		.max(999_999_999)
		.optional()
		.or(z.literal('').transform(() => undefined)),
	host_unit: z
		.string()
		.trim()
		// A systemd unit's name: nothing that a shell could read otherwise.
		.regex(/^[A-Za-z0-9_.@-]{1,100}$/)
		.default('cloudflared'),
	host_config: z
		.string()
		.trim()
		.regex(/^(\/[A-Za-z0-9_.-]+){1,20}$/)
		.default('/etc/cloudflared/config.yml')
};

export const newTunnelForm = z.object({
	name: z
		.string()
		.trim()
		.min(1)
		.max(100)
		.regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/, { error: () => m.tunnels_bad_name() }),
	/** Tenants on this node are published through it; empty: for base domains. */
	node_id: z
		.uuid()
		.optional()
		.or(z.literal('').transform(() => undefined)),
	/** It exists at Cloudflare already and is taken over with its rules. */
	enrol: tickbox,
	...host
});
export type NewTunnel = z.output<typeof newTunnelForm>;

export const tunnelHostForm = z.object(host);
export type TunnelHost = z.output<typeof tunnelHostForm>;
