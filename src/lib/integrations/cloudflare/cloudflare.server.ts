import type { CallRecorder } from '../record.ts';
import { caller } from './call.server.ts';
import { connect, type CloudflareConfig } from './client.server.ts';
import { customHostnames } from './hostnames.server.ts';
import { dns } from './records.server.ts';
import { tokens } from './tokens.server.ts';
import { tunnels } from './tunnels.server.ts';
import { zones } from './zones.server.ts';

const TIMEOUT_MS = 20_000;

/**
 * Cloudflare's API for what we publish. Every method throws `CloudflareError`; reads are tried up to three times,
 * changes are sent once and their error says by `ambiguous` when the effect is unknown.
 * There are no idempotency keys: look before creating, and take `kind: 'duplicate'` as "exists, read it".
 */
export function cloudflare(config: CloudflareConfig, record: CallRecorder) {
	const client = connect(config);
	const call = caller(record, config.timeoutMs ?? TIMEOUT_MS);
	return {
		...tokens(client, call, config.accountId),
		zones: zones(client, call),
		dns: dns(client, call),
		tunnels: tunnels(client, call, config.accountId),
		customHostnames: customHostnames(client, call)
	};
}

export type Cloudflare = ReturnType<typeof cloudflare>;
