import { MINUTE, now } from '#lib/core/clock.server.ts';
import { databaseTime } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { Node, NodeCredential } from '#prisma/generated/client.ts';
import { clientOf } from './clients.server.ts';
import { readHealth } from './health.ts';
import type { Seen } from './healthJudgement.ts';
import { lookOverSsh } from './hostSsh.server.ts';

/** How long a node may take to answer its one question; tests shorten it. */
export const lookPatience = { apiMs: 5_000 };
/** Version and privileges hardly ever change: each of them is asked this often, in place of the time. */
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
	/** Null: nothing could be sent at all. */
	client: ProxmoxClient | null;
}

type Answer = Pick<NodeSight, 'api' | 'skewMs' | 'version' | 'permissions' | 'client'>;

/**
 * Looks at one node: one call to its own API and one command over SSH. What goes wrong with one node, of whatever kind, is
 * that node's: nobody else's look ends for it.
 */
export async function lookAtNode(node: LookedAtNode): Promise<NodeSight> {
	const lookedAt = await databaseTime();
	const at = now();
	const failed = (error: unknown) => {
		log.error({ err: error, node: node.name }, 'a node could not be looked at');
		return { kind: 'internal', error: String(error).slice(0, 300) };
	};
	const [own, ssh] = await Promise.all([
		askApi(node).catch((error: unknown): Answer => unanswered(failed(error))),
		lookOverSsh(node).catch(failed)
	]);
	return { node, lookedAt, at, ssh, ...own };
}

function unanswered(api: { kind: string; error: string }): Answer {
	return { api, skewMs: null, version: null, permissions: null, client: null };
}

async function askApi(node: LookedAtNode): Promise<Answer> {
	let client: ProxmoxClient;
	try {
		client = clientOf(node, {}, { timeoutMs: lookPatience.apiMs, isLook: true });
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		return unanswered({ kind: 'no_token', error: error.message });
	}
	const start = performance.now();
	try {
		const said = await askOne(client, node);
		return { client, api: { ms: performance.now() - start }, ...said };
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		return unanswered({ kind: error.kind, error: error.message });
	}
}

/** One question each round; all of them of a node that was never asked, or that somebody wants to be asked now. */
async function askOne(
	client: ProxmoxClient,
	node: Node
): Promise<Pick<Seen, 'skewMs' | 'version' | 'permissions'>> {
	const health = readHealth(node.health);
	if (!health?.privileges.at) {
		const [{ version }, permissions] = await Promise.all([client.version(), client.permissions()]);
		return { version, permissions, skewMs: await skewOf(client, node) };
	}
	// A clock that is off is looked at until it is right.
	if (health.clock.state === 'error')
		return { skewMs: await skewOf(client, node), version: null, permissions: null };
	const age = (last: string | null) => now().getTime() - Date.parse(last ?? '1970-01-01');
	const [privileges, version] = [age(health.privileges.at), age(health.version.at)];
	if (version >= DEEP_EVERY && version >= privileges)
		return { version: (await client.version()).version, permissions: null };
	if (privileges >= DEEP_EVERY) return { version: null, permissions: await client.permissions() };
	return { skewMs: await skewOf(client, node), version: null, permissions: null };
}

/** Its clock less ours, in milliseconds; null when the token may not ask: its missing privilege is told as such. */
async function skewOf(client: ProxmoxClient, node: Node): Promise<number | null> {
	const began = now();
	const start = performance.now();
	try {
		const { time } = await client.nodeTime(node.name);
		const ms = performance.now() - start;
		return Math.round(time * 1000 + HALF_A_SECOND_MS - (began.getTime() + ms / 2));
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind === 'forbidden') return null;
		throw error;
	}
}
