import type { Tx } from '#lib/core/db.server.ts';
import type { Tunnel, TunnelLogLine } from '#prisma/generated/client.ts';
import type { HostedTunnel } from './connectorHost.server.ts';
import { isTrouble, type Trouble } from './connectorTrouble.ts';

/** Where a tunnel's cloudflared runs, and what was last seen of it. */
export interface HostView {
	/** Null: nobody said. */
	place: { node: string; vmid: number | null; unit: string; config: string } | null;
	version: string | null;
	state: string | null;
	/** Of a local one: cloudflared has read the file as it is. */
	inForce: boolean | null;
	checkedAt: Date | null;
	reachedAt: Date | null;
	/** What stands in the way; null: nothing that we know. */
	trouble: Trouble | null;
	detail: string | null;
	/** Its log is being followed. */
	isFollowed: boolean;
}

export async function hostView(
	tx: Tx,
	tunnel: HostedTunnel & Pick<Tunnel, 'source'>
): Promise<HostView> {
	const node = tunnel.hostNodeId
		? await tx.node.findUnique({ where: { id: tunnel.hostNodeId }, select: { name: true } })
		: null;
	const seen = await tx.tunnelHost.findUnique({ where: { tunnelId: tunnel.id } });
	const { hostVmid: vmid, hostUnit: unit, hostConfig: config } = tunnel;
	const trouble = seen?.trouble ?? null;
	return {
		place: node ? { node: node.name, vmid, unit, config } : null,
		version: seen?.version ?? null,
		state: seen?.state ?? null,
		inForce: tunnel.source === 'local' ? (seen?.inForce ?? null) : null,
		checkedAt: seen?.checkedAt ?? null,
		reachedAt: seen?.reachedAt ?? null,
		trouble: node ? (isTrouble(trouble) ? trouble : null) : 'no_host',
		detail: node ? (seen?.detail ?? null) : null,
		isFollowed: seen?.followedFrom != null
	};
}

/** A line for whoever shows it. */
export interface ShownLine {
	/** As text: a number of this size is none of the browser's. */
	id: string;
	at: Date;
	level: 'debug' | 'info' | 'warning' | 'error';
	/** Empty for the place where lines were left out. */
	text: string;
	/** How many lines were left out here. */
	leftOut: number;
}

export function shownLine({ id, at, level, text, cursor }: TunnelLogLine): ShownLine {
	const isGap = cursor === null;
	return { id: String(id), at, level, text: isGap ? '' : text, leftOut: isGap ? Number(text) : 0 };
}
