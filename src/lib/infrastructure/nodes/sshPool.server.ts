import { readFile } from 'node:fs/promises';
import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import { ssh, type SshClient, type SshConfig } from '#lib/integrations/ssh/ssh.server.ts';
import type { Node } from '#prisma/generated/client.ts';
import { breakerOf } from './breaker.server.ts';

interface Entry {
	client: SshClient;
	users: number;
	closing: NodeJS.Timeout | null;
}

/** Connections to a node that a process keeps; sshd drops new ones when many log in at once. */
const MOST_PER_NODE = 3;
/** Users of a connection before another one is opened; sshd allows ten sessions on each. */
const CROWDED = 8;
/** A connection that nobody uses is closed after this time. */
const IDLE_MS = 20_000;

const pools = new Map<string, Entry[]>();

export interface SharedSsh {
	client: SshClient;
	/** Says that this user is done with it. */
	release(): void;
}

/**
 * SSH to a node, over a connection that is shared within this process. It records nothing: who uses it records what it
 * does there.
 */
export async function sshOn(nodeId: string): Promise<SharedSsh> {
	const config = await accessOf(nodeId);
	// A node whose address or key was changed is another place.
	const place = JSON.stringify([config.host, config.port, config.username, config.hostKey]);
	const pool = pools.get(place) ?? [];
	pools.set(place, pool);
	let entry = pool.toSorted((a, b) => a.users - b.users)[0];
	if (!entry || (entry.users >= CROWDED && pool.length < MOST_PER_NODE)) {
		entry = { client: ssh(config, unrecorded), users: 0, closing: null };
		pool.push(entry);
	}
	return use(place, entry);
}

/** SSH to a node over a connection of one's own, for what goes on for long; `close` it. It records nothing. */
export async function sshAlone(nodeId: string): Promise<SshClient> {
	return ssh(await accessOf(nodeId), unrecorded);
}

type Place = Pick<Node, 'sshHost' | 'sshPort' | 'sshUser' | 'sshHostKey'>;

/** What opens a node's SSH; null where this process has no key: it is no worker. */
export async function sshAccess(node: Place): Promise<SshConfig | null> {
	const privateKey = env.SSH_KEY_PATH
		? await readFile(env.SSH_KEY_PATH, 'utf8').catch(() => null)
		: null;
	return privateKey === null ? null : { ...placeOf(node), privateKey };
}

async function accessOf(nodeId: string): Promise<SshConfig> {
	const node = await db.node.findUniqueOrThrow({ where: { id: nodeId } });
	const guard = breakerOf(nodeId, 'ssh', null);
	return { ...placeOf(node), guard, privateKey: await readFile(keyPath(), 'utf8') };
}

function placeOf(node: Place): Omit<SshConfig, 'privateKey'> {
	const { sshHost: host, sshPort: port, sshUser: username, sshHostKey: hostKey } = node;
	return { host, port, username, hostKey };
}

function use(place: string, entry: Entry): SharedSsh {
	entry.users += 1;
	if (entry.closing) clearTimeout(entry.closing);
	entry.closing = null;
	let released = false;
	const close = () => {
		const left = pools.get(place)?.filter((one) => one !== entry) ?? [];
		if (left.length > 0) pools.set(place, left);
		else pools.delete(place);
		void entry.client.close();
	};
	return {
		client: entry.client,
		release: () => {
			if (released) return;
			released = true;
			entry.users -= 1;
			if (entry.users === 0) entry.closing = setTimeout(close, IDLE_MS).unref();
		}
	};
}

function keyPath(): string {
	if (!env.SSH_KEY_PATH) throw new Error('SSH_KEY_PATH is not set: this process is no worker');
	return env.SSH_KEY_PATH;
}

/** Closes every connection, for the end of a process. */
export async function closeSsh(): Promise<void> {
	const entries = [...pools.values()].flat();
	pools.clear();
	for (const { closing } of entries) if (closing) clearTimeout(closing);
	await Promise.all(entries.map(({ client }) => client.close()));
}
