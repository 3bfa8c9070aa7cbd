import { decrypt } from '#lib/core/crypto.server.ts';
import { db } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
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
 * @throws {ProxmoxError} unauthorized, when its token is gone or cannot be read with the key of this installation
 * @param options `isLook`: goes past the breaker and is tried once, for who finds out how the node is; `token`: another
 * than the stored one
 */
export function clientOf(
	node: NodeAccess,
	trace: Trace,
	{ timeoutMs, isLook = false, token }: { timeoutMs: number; isLook?: boolean; token?: string }
): ProxmoxClient {
	return proxmox(
		{
			baseUrl: node.apiUrl,
			token: token ?? storedToken(node),
			fingerprint: node.apiFingerprint,
			timeoutMs,
			guard: breakerOf(node.id, 'api', node, { always: isLook }),
			...(isLook ? { attempts: 1 } : {})
		},
		recorderOf(trace)
	);
}

function storedToken({ id, name, credential }: NodeAccess): string {
	let cause: unknown;
	try {
		if (credential) return decrypt(credential.apiToken, tokenContext(id));
	} catch (error) {
		cause = error;
	}
	throw new ProxmoxError({
		operation: 'token',
		kind: 'unauthorized',
		message: `The stored API token of ${name} ${credential ? 'cannot be read' : 'is gone'}`,
		cause
	});
}

/** The node did not answer at all: it is down, or the way to it is. */
export function isDown(error: unknown): boolean {
	return (
		error instanceof ProxmoxError &&
		(error.kind === 'unreachable' || error.kind === 'node_unreachable')
	);
}

/** The cluster takes no changes until most of its nodes are back. */
export function isWithoutQuorum(error: unknown): boolean {
	return error instanceof ProxmoxError && error.kind === 'no_quorum';
}

/** What is wrong with this way to the cluster alone: address, certificate and token are each node's own. */
function isOneNodes(error: ProxmoxError): boolean {
	if (isDown(error)) return true;
	const { kind, ambiguous } = error;
	// A change whose answer is lost may have been made.
	return !ambiguous && (kind === 'unauthorized' || kind === 'untrusted' || kind === 'lost');
}

/** Members of a cluster that may keep a caller waiting for nothing, one after the other. */
const MOST_LOST = 3;

/**
 * Asks any node of a cluster, those that are asked at all and answered the last look first.
 * @throws {ProxmoxError} when none answers: what may pass by itself, else what the last of them said
 */
export async function askCluster<T>(
	clusterId: string,
	trace: Trace,
	ask: (client: ProxmoxClient) => Promise<T>
): Promise<T> {
	const nodes = await db.node.findMany({
		where: { clusterId, removedAt: null },
		orderBy: [
			{ haltedAt: { sort: 'desc', nulls: 'first' } },
			{ status: 'asc' },
			{ misses: 'asc' },
			{ name: 'asc' }
		],
		select: { id: true }
	});
	// All of them may have been removed.
	let last = new ProxmoxError({
		operation: 'cluster.ask',
		kind: 'unreachable',
		message: `cluster ${clusterId} has no nodes`,
		retryable: true
	});
	let lost = 0;
	for (const [index, { id }] of nodes.entries()) {
		try {
			return await ask(await proxmoxOn(id, trace));
		} catch (error) {
			if (!(error instanceof ProxmoxError) || !isOneNodes(error)) throw error;
			if (index === 0 || error.retryable || !last.retryable) last = error;
			if (error.kind === 'lost' && ++lost === MOST_LOST) break;
		}
	}
	throw last;
}

let asking: Promise<TakenVmids> | null = null;

/**
 * The VMIDs that every cluster says are taken, for `reserveContainer`; ask before the transaction. Who asks while
 * somebody's answer is on its way gets that one.
 * One that says nothing, for whatever reason, stands for itself alone: nothing new goes there until it answers.
 */
export function readTakenVmids(trace: Trace): Promise<TakenVmids> {
	return (asking ??= askTakenVmids(trace).finally(() => {
		asking = null;
	}));
}

async function askTakenVmids(trace: Trace): Promise<TakenVmids> {
	const clusters = await db.cluster.findMany({
		where: { nodes: { some: { removedAt: null } } },
		select: { id: true, name: true }
	});
	return new Map(
		await Promise.all(
			clusters.map(async ({ id, name }): Promise<[string, Set<number> | null]> => {
				try {
					const guests = await askCluster(id, trace, (client) => client.resources('vm'));
					return [id, new Set(guests.flatMap(({ vmid }) => (vmid === undefined ? [] : [vmid])))];
				} catch (error) {
					if (!(error instanceof ProxmoxError)) throw error;
					log.warn({ err: error, cluster: name }, 'a cluster does not say which VMIDs it has');
					return [id, null];
				}
			})
		)
	);
}
