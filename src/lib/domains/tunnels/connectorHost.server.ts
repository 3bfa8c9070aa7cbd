import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { recorderOf } from '#lib/infrastructure/nodes/clients.server.ts';
import { sshOn } from '#lib/infrastructure/nodes/sshPool.server.ts';
import {
	cloudflared,
	type CloudflaredClient,
	type HostExec
} from '#lib/integrations/cloudflared/cloudflared.server.ts';
import { CloudflaredError } from '#lib/integrations/cloudflared/errors.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import type { SshClient } from '#lib/integrations/ssh/ssh.server.ts';
import type { Prisma, Tunnel } from '#prisma/generated/client.ts';
import { ANSWERED, type Trouble } from './connectorTrouble.ts';

/** A tunnel as far as the place of its cloudflared goes. */
export type HostedTunnel = Pick<
	Tunnel,
	'id' | 'hostNodeId' | 'hostVmid' | 'hostUnit' | 'hostConfig'
>;

/** What we know ourselves of a cloudflared that cannot be worked with. */
export class ConnectorError extends Error {
	readonly trouble: Trouble;

	constructor(trouble: Trouble, message: string) {
		super(message);
		this.name = 'ConnectorError';
		this.trouble = trouble;
	}
}

/** What an error says of the host, with its own words; null for one that is none of its affairs. */
export function troubleOf(error: unknown): { trouble: Trouble; detail: string | null } | null {
	if (error instanceof ConnectorError) return { trouble: error.trouble, detail: error.message };
	if (error instanceof SshError || error instanceof CloudflaredError)
		return { trouble: error.kind, detail: error.message };
	return null;
}

/** How a command gets from a node to cloudflared: on the node itself, or into a container of it. */
export function execOf(client: SshClient, vmid: number | null): HostExec {
	if (vmid !== null) return client.inside(vmid);
	return (argv, options) => client.exec(argv, { ...options, call: null });
}

/**
 * A tunnel's cloudflared where it runs, with the node's own SSH access; in a worker only. What comes of it is noted:
 * when the host was last reached, or what stood in the way.
 * @throws {ConnectorError} no_host, no_key; `SshError`; `CloudflaredError`
 */
export async function withConnector<T>(
	tunnel: HostedTunnel,
	act: (client: CloudflaredClient) => Promise<T>
): Promise<T> {
	try {
		const result = await reach(tunnel, act);
		await noteSeen(tunnel.id, { trouble: null, detail: null });
		return result;
	} catch (error) {
		const seen = troubleOf(error);
		if (seen) await noteSeen(tunnel.id, seen);
		throw error;
	}
}

async function reach<T>(
	tunnel: HostedTunnel,
	act: (client: CloudflaredClient) => Promise<T>
): Promise<T> {
	const { client, release } = await sshOn(placeOf(tunnel));
	try {
		return await act(
			cloudflared(
				{ unit: tunnel.hostUnit, path: tunnel.hostConfig, now },
				execOf(client, tunnel.hostVmid),
				recorderOf({ subjectId: tunnel.id })
			)
		);
	} finally {
		release();
	}
}

/** The node to go to. @throws {ConnectorError} no_host, no_key */
export function placeOf({ hostNodeId }: HostedTunnel): string {
	if (!hostNodeId) throw new ConnectorError('no_host', 'nobody said where its cloudflared runs');
	if (!env.SSH_KEY_PATH) throw new ConnectorError('no_key', 'SSH_KEY_PATH is not set');
	return hostNodeId;
}

/** What was seen of a host. */
export type Seen = Pick<
	Prisma.TunnelHostUncheckedUpdateInput,
	'version' | 'state' | 'inForce' | 'followedFrom'
> & { trouble: Trouble | null; detail: string | null };

/** Keeps what was seen, and tells who looks at the tunnel when that is something else than before. */
export async function noteSeen(tunnelId: string, seen: Seen): Promise<void> {
	const at = now();
	const { trouble, detail, ...facts } = seen;
	const answered = trouble === null || ANSWERED.has(trouble);
	const data = {
		...facts,
		trouble,
		detail: detail?.slice(0, 500) ?? null,
		checkedAt: at,
		...(answered ? { reachedAt: at } : {})
	};
	await transaction(async (tx) => {
		const before = await tx.tunnelHost.findUnique({ where: { tunnelId } });
		// Somebody may have deleted it meanwhile; then nobody asks.
		const { count } = await tx.tunnelHost.updateMany({ where: { tunnelId }, data });
		if (count === 0) await tx.tunnelHost.createMany({ data: { tunnelId }, skipDuplicates: true });
		if (count === 0) await tx.tunnelHost.updateMany({ where: { tunnelId }, data });
		const isNews =
			before?.trouble !== trouble ||
			(['version', 'state', 'inForce', 'followedFrom'] as const).some(
				(key) => facts[key] !== undefined && String(facts[key]) !== String(before[key])
			);
		if (isNews) await publish(tx, `tunnel:${tunnelId}`, tunnelId);
	});
}

/** The version, the service and, for a local one, whether the file is in force: read now. */
export async function checkHost(tunnelId: string): Promise<void> {
	const tunnel = await db.tunnel.findFirst({ where: { id: tunnelId, deletedAt: null } });
	if (!tunnel) return;
	await withConnector(tunnel, async (client) => {
		const version = await client.version();
		const { state } = await client.state();
		await noteSeen(tunnelId, { version, state, trouble: null, detail: null });
		if (tunnel.source !== 'local') return;
		const { isInForce, tunnel: named } = await client.read();
		checkTunnel(tunnel, named);
		await noteSeen(tunnelId, { inForce: isInForce, trouble: null, detail: null });
	});
}

/** @throws {ConnectorError} other_tunnel: rules of ours must never get into somebody else's file */
export function checkTunnel(
	tunnel: Pick<Tunnel, 'cloudflareId' | 'name'>,
	named: string | null
): void {
	if (named === tunnel.cloudflareId || named === tunnel.name) return;
	throw new ConnectorError(
		'other_tunnel',
		`the file there is of ${named ?? 'no tunnel'}, not of ${tunnel.name} (${tunnel.cloudflareId})`
	);
}
