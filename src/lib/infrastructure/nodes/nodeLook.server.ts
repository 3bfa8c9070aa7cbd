import { MINUTE, now } from '#lib/core/clock.server.ts';
import { databaseTime } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { Node, NodeCredential } from '#prisma/generated/client.ts';
import { clientOf } from './clients.server.ts';
import { readHealth } from './health.ts';
import type { Seen } from './healthJudgement.ts';
import { lookOverSsh } from './hostSsh.server.ts';

/** How long a node may take to say what time it is; tests shorten it. */
export const lookPatience = { apiMs: 5_000 };
/** Version and privileges cost two more calls and hardly ever change. */
const DEEP_EVERY = 5 * MINUTE;
/** A clock that counts whole seconds is behind by half of one on average. */
const HALF_A_SECOND_MS = 500;

export type LookedAtNode = Node & { credential: NodeCredential | null };

/** What one node said of itself. */
export interface NodeSight extends Pick<
	Seen,
	'at' | 'api' | 'ssh' | 'skewMs' | 'version' | 'permissions'
> {
	node: LookedAtNode;
	/** When the look began, by the clock of the database. */
	lookedAt: Date;
	client: ProxmoxClient;
}

/** Looks at one node: one call to its own API and one command over SSH, every few minutes two calls more. */
export async function lookAtNode(node: LookedAtNode): Promise<NodeSight> {
	const lookedAt = await databaseTime();
	const at = now();
	const client = clientOf(node, {}, { timeoutMs: lookPatience.apiMs, isLook: true });
	const [own, ssh] = await Promise.all([askApi(client, node), lookOverSsh(node)]);
	return { node, lookedAt, at, client, ssh, ...own };
}

async function askApi(
	client: ProxmoxClient,
	node: Node
): Promise<Pick<Seen, 'api' | 'skewMs' | 'version' | 'permissions'>> {
	const began = now();
	const start = performance.now();
	const took = () => performance.now() - start;
	let skewMs: number | null = null;
	let ms: number;
	try {
		const { time } = await client.nodeTime(node.name);
		ms = took();
		skewMs = Math.round(time * 1000 + HALF_A_SECOND_MS - (began.getTime() + ms / 2));
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		const { kind, message } = error;
		// A token that may not ask for the time was answered: its missing privilege is told as such.
		if (kind !== 'forbidden')
			return { api: { kind, error: message }, skewMs: null, version: null, permissions: null };
		ms = took();
	}
	return { api: { ms }, skewMs, ...(await askDeeply(client, node)) };
}

async function askDeeply(
	client: ProxmoxClient,
	node: Node
): Promise<Pick<Seen, 'version' | 'permissions'>> {
	const last = readHealth(node.health)?.privileges.at;
	const isDue = !last || now().getTime() - Date.parse(last) >= DEEP_EVERY;
	if (!isDue && node.proxmoxVersion) return { version: null, permissions: null };
	try {
		const [{ version }, permissions] = await Promise.all([client.version(), client.permissions()]);
		return { version, permissions };
	} catch (error) {
		// It answered a moment ago: the next look asks again.
		if (!(error instanceof ProxmoxError)) throw error;
		return { version: null, permissions: null };
	}
}
