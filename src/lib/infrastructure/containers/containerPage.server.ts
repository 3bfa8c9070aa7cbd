import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { nodeFigures } from '../nodes/figures.server.ts';
import type { Resources } from '../placement/placement.ts';
import { refusalNow } from './actRefusals.server.ts';
import { containerRows, type ContainerRow } from './containerList.server.ts';

/** @throws {AppError} NOT_FOUND */
export async function containerOfId(tx: Tx, id: string): Promise<ContainerRow> {
	const [row] = z.uuid().safeParse(id).success ? await containerRows(tx, [id]) : [];
	if (!row) throw new AppError('NOT_FOUND');
	return row;
}

/** Who lives in a container, with what its plan promises it. */
export interface Dweller {
	id: string;
	slug: string;
	status: string;
	company: string;
	plan: string;
	/** Of a container of its own; null: it shares this one. */
	promised: Resources | null;
}

export async function dwellersOf(tx: Tx, containerId: string): Promise<Dweller[]> {
	const tenants = await tx.tenant.findMany({
		where: { containerId, status: { notIn: ['deleted', 'refunded'] } },
		select: {
			...{ id: true, slug: true, status: true, isolation: true },
			customer: { select: { companyName: true } },
			plan: { select: { name: true, cpuCores: true, ramMb: true, diskGb: true } }
		},
		orderBy: { slug: 'asc' },
		take: 100
	});
	return tenants.map(({ customer, plan, isolation, ...tenant }) => {
		const { name, ...promised } = plan;
		return {
			...tenant,
			company: customer.companyName,
			plan: name,
			promised: isolation === 'shared' ? null : promised
		};
	});
}

/** What the node of a container may still promise, and how many cores it has; null: that node was taken out for good. */
export async function roomAround(
	tx: Tx,
	nodeId: string
): Promise<{ free: Resources; cores: number } | null> {
	const [node] = await nodeFigures(tx, [nodeId]);
	if (!node) return null;
	const { limit, committed } = node;
	return {
		free: {
			cpuCores: Math.max(0, limit.cpuCores - committed.cpuCores),
			ramMb: Math.max(0, limit.ramMb - committed.ramMb),
			diskGb: Math.max(0, limit.diskGb - committed.diskGb)
		},
		cores: node.capacity.cpuCores
	};
}

/** The act that a container's page speaks of: the one under way, else the last one. */
export async function currentAct(tx: Tx, containerId: string) {
	return tx.containerAct.findFirst({
		where: { containerId },
		orderBy: [{ finishedAt: { sort: 'desc', nulls: 'first' } }, { createdAt: 'desc' }]
	});
}

/** Why nothing can be asked of it now, apart from what an act itself says against it. */
export async function heldNow(tx: Tx, container: ContainerRow) {
	// Who waits for a server of databases that is down does not speak against starting it.
	const isDown = container.purpose === 'postgres' && container.status !== 'running';
	return refusalNow(tx, isDown ? 'start' : 'restart', container);
}

/** What its vendor calls are filed under: its own acts, and the run that made it. @throws {AppError} NOT_FOUND */
export async function callsAbout(tx: Tx, id: string) {
	const { hostname } = await containerOfId(tx, id);
	const { createdByJobId } = await tx.container.findUniqueOrThrow({
		where: { id },
		select: { createdByJobId: true }
	});
	const about = { jobIds: createdByJobId ? [createdByJobId] : [], subjectIds: [id] };
	return { hostname, about };
}
