import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Node } from '#prisma/generated/client.ts';
import { placingState, readHealth, unwellBy, type Health, type Unwell } from './health.ts';
import { grantCommands } from './privileges.ts';
import { storedAccount } from './rotateToken.server.ts';

/** What every page of a node shows of it; of one that was removed as well. */
export interface NodeHead {
	id: string;
	name: string;
	hostname: string;
	cluster: string;
	region: string;
	status: Node['status'];
	placing: ReturnType<typeof placingState>;
	version: string | null;
	apiUrl: string;
	ssh: string;
	priority: number;
	lastSeenAt: Date | null;
	offlineSince: Date | null;
	misses: number;
	/** Why nothing new is placed on it although it is online. */
	unwell: Unwell[];
	halted: { at: Date; by: 'api' | 'ssh' } | null;
	maintenance: { since: Date; reason: string } | null;
	removedAt: Date | null;
	health: Health | null;
}

/** @throws {AppError} NOT_FOUND */
export async function nodeHead(tx: Tx, id: string): Promise<NodeHead> {
	const node = z.uuid().safeParse(id).success
		? await tx.node.findUnique({
				where: { id },
				include: { cluster: { select: { name: true, region: true } } }
			})
		: null;
	if (!node) throw new AppError('NOT_FOUND');
	const { haltedAt, haltedBy, maintenanceSince, maintenanceReason } = node;
	return {
		id: node.id,
		name: node.name,
		hostname: node.hostname,
		cluster: node.cluster.name,
		region: node.cluster.region,
		status: node.status,
		placing: placingState(node),
		version: node.proxmoxVersion,
		apiUrl: node.apiUrl,
		ssh: `${node.sshUser}@${node.sshHost}:${node.sshPort}`,
		priority: node.priority,
		lastSeenAt: node.lastSeenAt,
		offlineSince: node.offlineSince,
		misses: node.misses,
		unwell: node.status === 'online' ? unwellBy(node) : [],
		halted: haltedAt ? { at: haltedAt, by: haltedBy === 'ssh' ? 'ssh' : 'api' } : null,
		maintenance: maintenanceSince
			? { since: maintenanceSince, reason: maintenanceReason ?? '' }
			: null,
		removedAt: node.removedAt,
		health: readHealth(node.health)
	};
}

/** `user@realm!id` of a node's token; null when it has none that can be read. */
export async function tokenAccount(tx: Tx, nodeId: string): Promise<string | null> {
	const credential = await tx.nodeCredential.findUnique({ where: { nodeId } });
	return credential && storedAccount(credential);
}

/** What grants a node's token the privileges that it lacks; empty when it lacks none. */
export async function grantsFor(tx: Tx, { id, health }: NodeHead): Promise<string[]> {
	const missing = health?.privileges.missing ?? [];
	const account = missing.length > 0 ? await tokenAccount(tx, id) : null;
	return account ? grantCommands(account, missing) : [];
}
