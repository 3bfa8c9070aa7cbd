import { decrypt } from '#lib/core/crypto.server.ts';
import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import { proxmox, type ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { recorder } from '#lib/logs/calls.server.ts';
import type { Node, NodeCredential } from '#prisma/generated/client.ts';
import { breakerOf } from './breaker.server.ts';
import { tokenContext } from './enrol.server.ts';
import type { TakenVmids } from '../placement/rooms.server.ts';

/** What the calls are filed under: a saga's `context.trace`, or any part of it. */
export interface Trace {
	jobId?: string;
	stepName?: string;
	customerId?: string | null;
	subjectId?: string;
}

export function recorderOf({ customerId, ...trace }: Trace) {
	return recorder({ ...trace, ...(customerId ? { customerId } : {}) });
}

/** How long one request to a node may take; tests shorten it. */
export const patience = { requestMs: 15_000 };

/**
 * The API of one node; it serves its whole cluster. While the node's breaker is open every call fails at once as
 * `unreachable`, with nothing sent.
 * @param timeoutMs of one attempt
 */
export async function proxmoxOn(
	nodeId: string,
	trace: Trace,
	timeoutMs = patience.requestMs
): Promise<ProxmoxClient> {
	const node = await db.node.findUniqueOrThrow({
		where: { id: nodeId },
		include: { credential: true }
	});
	return clientOf(node, trace, { timeoutMs });
}

export type NodeAccess = Pick<
	Node,
	'id' | 'name' | 'apiUrl' | 'apiFingerprint' | 'haltedAt' | 'haltedBy'
> & { credential: Pick<NodeCredential, 'apiToken'> | null };

/**
 * The same of a row that was just read.
 * @param options `isLook`: goes past the breaker and is tried once, for who finds out how the node is; `token`: another
 * than the stored one
 */
export function clientOf(
	node: NodeAccess,
	trace: Trace,
	{ timeoutMs, isLook = false, token }: { timeoutMs: number; isLook?: boolean; token?: string }
): ProxmoxClient {
	if (!node.credential) throw new Error(`node ${node.name} has no API token`);
	return proxmox(
		{
			baseUrl: node.apiUrl,
			token: token ?? decrypt(node.credential.apiToken, tokenContext(node.id)),
			fingerprint: node.apiFingerprint,
			timeoutMs,
			guard: breakerOf(node.id, 'api', node, { always: isLook }),
			...(isLook ? { attempts: 1 } : {})
		},
		recorderOf(trace)
	);
}

/** The node did not answer at all: it is down, or the way to it is. */
export function isDown(error: unknown): boolean {
	return (
		error instanceof ProxmoxError &&
		(error.kind === 'unreachable' || error.kind === 'node_unreachable')
	);
}

/**
 * Asks any node of a cluster, those that are asked at all and were last seen online first.
 * @throws {ProxmoxError} what the last of them said, when none answers
 */
export async function askCluster<T>(
	clusterId: string,
	trace: Trace,
	ask: (client: ProxmoxClient) => Promise<T>
): Promise<T> {
	const nodes = await db.node.findMany({
		where: { clusterId, removedAt: null },
		orderBy: [{ haltedAt: { sort: 'desc', nulls: 'first' } }, { status: 'asc' }, { name: 'asc' }],
		select: { id: true }
	});
	// All of them may have been removed.
	let last: unknown = new ProxmoxError({
		operation: 'cluster.ask',
		kind: 'unreachable',
		message: `cluster ${clusterId} has no nodes`,
		retryable: true
	});
	for (const { id } of nodes) {
		const client = await proxmoxOn(id, trace);
		try {
			return await ask(client);
		} catch (error) {
			if (!isDown(error)) throw error;
			last = error;
		}
	}
	throw last;
}

let asking: Promise<TakenVmids> | null = null;

/**
 * The VMIDs that every cluster says are taken, for `reserveContainer`; ask before the transaction. Who asks while
 * somebody's answer is on its way gets that one.
 * A cluster that does not answer is left out: a VMID that turns out to be taken is changed at the clone.
 */
export function readTakenVmids(trace: Trace): Promise<TakenVmids> {
	return (asking ??= askTakenVmids(trace).finally(() => {
		asking = null;
	}));
}

async function askTakenVmids(trace: Trace): Promise<TakenVmids> {
	const taken = new Map<string, Set<number>>();
	for (const { id } of await db.cluster.findMany({ select: { id: true } })) {
		try {
			const guests = await askCluster(id, trace, (client) => client.resources('vm'));
			taken.set(id, new Set(guests.flatMap(({ vmid }) => (vmid === undefined ? [] : [vmid]))));
		} catch (error) {
			if (!isDown(error)) throw error;
		}
	}
	return taken;
}
