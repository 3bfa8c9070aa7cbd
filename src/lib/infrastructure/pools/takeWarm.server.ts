import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import type { Container } from '#prisma/generated/client.ts';
import { judge, type Candidate, type Resources, type Wanted } from '../placement/placement.ts';
import { candidates } from '../placement/world.server.ts';
import { poolsChanged } from './poolNotice.server.ts';
import { UNFINISHED } from './poolWorld.server.ts';
import { less } from './without.ts';

/** A container that was made ahead and can be given to somebody now. */
export interface ReadyWarm {
	containerId: string;
	vmid: number;
	nodeId: string;
	node: string;
}

/**
 * Containers made ahead that are what is wanted, whole and current, on nodes where placement would put one: best node
 * first, the oldest of each first. Takes nothing.
 */
export async function readyWarm(tx: Tx, wanted: Wanted): Promise<ReadyWarm[]> {
	// A slot of a shared one is taken as any other; high availability is chosen with its second node.
	if (wanted.isolation !== 'dedicated') return [];
	const rows = await tx.container.findMany({
		where: {
			...{ warmPlanId: { not: null }, retiring: false, purpose: 'odoo', adopted: false },
			...{ status: { in: ['running', 'stopped'] }, taskUpid: null, moveToNodeId: null },
			...{ cpuCores: wanted.cpuCores, ramMb: wanted.ramMb, diskGb: wanted.diskGb },
			copiedOf: { current: true },
			OR: [{ postgresContainerId: null }, { postgres: { status: 'running' } }],
			acts: { none: { status: { in: ['queued', 'running'] } } }
		},
		orderBy: { createdAt: 'asc' }
	});
	if (rows.length === 0) return [];
	const unfinished = await tx.provisioningJob.findMany({
		where: {
			id: { in: rows.flatMap(({ createdByJobId }) => createdByJobId ?? []) },
			status: { in: [...UNFINISHED] }
		},
		select: { id: true }
	});
	const making = new Set(unfinished.map(({ id }) => id));
	const whole = rows.filter(({ createdByJobId }) => !making.has(createdByJobId ?? ''));
	const nodes = new Set(whole.map(({ nodeId }) => nodeId));
	// Its own promise is what it takes: without it there is room for it, and it has its VMID and address.
	const world = (await candidates(tx, new Map()))
		.filter(({ nodeId }) => nodes.has(nodeId))
		.map((node) => withoutOne(node, wanted));
	return judge(world, wanted).flatMap(({ candidate, fits }) =>
		fits
			? whole
					.filter(({ nodeId }) => nodeId === candidate.nodeId)
					.map(({ id, vmid, nodeId }) => ({
						...{ containerId: id, vmid, nodeId, node: candidate.name }
					}))
			: []
	);
}

function withoutOne(node: Candidate, one: Resources): Candidate {
	return {
		...node,
		committed: less(node.committed, one),
		containers: node.containers - 1,
		freeAddresses: 1,
		freeVmids: 1,
		hasTemplate: true,
		// Where it has its databases is settled, and counted there.
		databases: undefined
	};
}

/**
 * Gives somebody a container that was made ahead: from here on it is that run's own, which sets it up and, should it be
 * undone, destroys it. The caller holds the lock of placements since it looked for them. @returns null when there is none
 */
export async function takeWarm(
	tx: Tx,
	[first]: ReadyWarm[],
	{ jobId, hostname, tenantId }: { jobId: string; hostname: string; tenantId: string }
): Promise<Container | null> {
	if (!first) return null;
	const taken = await tx.container.update({
		where: { id: first.containerId },
		data: { warmPlanId: null, createdByJobId: jobId, hostname, wantedRunning: true }
	});
	await audit(tx, {
		actor: SYSTEM,
		action: 'infrastructure.take-warm',
		subject: { type: 'container', id: taken.id },
		after: { vmid: taken.vmid, hostname, tenantId }
	});
	await publish(tx, ['staff:containers', 'staff:nodes'], taken.id);
	await poolsChanged(tx);
	return taken;
}

/** Somebody gets a slot in a shared container that was made ahead: it is in service like any other from here on. */
export async function openShared(tx: Tx, containerId: string): Promise<void> {
	const { count } = await tx.container.updateMany({
		where: { id: containerId, warmPlanId: { not: null } },
		data: { warmPlanId: null }
	});
	if (count > 0) await poolsChanged(tx);
}
