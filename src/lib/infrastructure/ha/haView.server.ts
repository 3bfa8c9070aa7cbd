import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { ContainerGuard, Failover, Node } from '#prisma/generated/client.ts';
import { placingState } from '../nodes/health.ts';
import { judgeGuard, type HaState } from './haState.ts';

/** What nobody has looked at for so long is not known. */
const FRESH = 15 * MINUTE;
const SHOWN = 5;

const NODE = {
	select: {
		...{ id: true, name: true, status: true, haltedAt: true, misses: true, health: true }
	}
} as const;
type HaNode = Pick<Node, keyof typeof NODE.select>;

/** A container and its second node, for staff. */
export interface HaView {
	state: HaState;
	node: { id: string; name: string };
	partner: { id: string; name: string; isAway: boolean } | null;
	replicated: boolean;
	copiedAt: Date | null;
	copyError: string | null;
	copyFails: number;
	seenAt: Date | null;
	/** The newest ones. */
	failovers: FailoverView[];
}

export interface FailoverView {
	id: string;
	from: string;
	to: string;
	lostAt: Date;
	runningAt: Date | null;
	answeredAt: Date | null;
	/** Null: the nodes share the storage, or nobody knows. */
	copiedAt: Date | null;
}

/** Null: it has no second node, and never failed over. */
export async function haOfContainer(tx: Tx, containerId: string): Promise<HaView | null> {
	return (await haOfContainers(tx, [containerId])).get(containerId) ?? null;
}

/** By container; those that have no second node, and never failed over, are left out. */
export async function haOfContainers(tx: Tx, ids: string[]): Promise<Map<string, HaView>> {
	const rows = await tx.container.findMany({
		where: { id: { in: ids }, OR: [{ haNodeId: { not: null } }, { failovers: { some: {} } }] },
		select: {
			...{ id: true, node: NODE, haNode: NODE, guard: true },
			failovers: { orderBy: { lostAt: 'desc' }, take: SHOWN }
		}
	});
	if (rows.length === 0) return new Map();
	const names = await namesOf(
		tx,
		rows.flatMap(({ failovers }) => failovers.flatMap((one) => [one.fromNodeId, one.toNodeId]))
	);
	const minutes = await setting('infrastructure.replication_minutes');
	return new Map(rows.map(({ id, ...row }) => [id, viewOf(row, names, minutes)]));
}

interface HaRow {
	node: HaNode;
	haNode: HaNode | null;
	guard: ContainerGuard | null;
	failovers: Failover[];
}

function viewOf(
	{ node, haNode, guard, failovers }: HaRow,
	names: Map<string, string>,
	minutes: number
): HaView {
	const isAway = haNode !== null && placingState(haNode) !== 'online';
	return {
		state: judgeGuard(
			guard && {
				...{ state: guard.state, replicated: guard.replicated },
				copyAge: ageOf(guard, minutes),
				isOld: guard.seenAt < after(now(), -FRESH)
			},
			isAway
		),
		node: { id: node.id, name: node.name },
		partner: haNode && { id: haNode.id, name: haNode.name, isAway },
		replicated: guard?.replicated ?? false,
		copiedAt: guard?.copiedAt ?? null,
		copyError: guard?.copyError ?? null,
		copyFails: guard?.copyFails ?? 0,
		seenAt: guard?.seenAt ?? null,
		failovers: failovers.map(({ fromNodeId, toNodeId, ...failover }) => ({
			...failover,
			from: names.get(fromNodeId) ?? '—',
			to: names.get(toNodeId) ?? '—'
		}))
	};
}

function ageOf(
	{ copiedAt, seenAt }: { copiedAt: Date | null; seenAt: Date },
	minutes: number
): number | null {
	return copiedAt && (seenAt.getTime() - copiedAt.getTime()) / (minutes * MINUTE);
}

async function namesOf(tx: Tx, ids: string[]): Promise<Map<string, string>> {
	const nodes = await tx.node.findMany({
		where: { id: { in: ids } },
		select: { id: true, name: true }
	});
	return new Map(nodes.map(({ id, name }) => [id, name]));
}

/** What a customer may know of it: that there is a second server, and whether it was ever needed. */
export interface CustomerHa {
	/** `on`: another server would go on; `preparing`, `away`: not at the moment. */
	is: 'on' | 'preparing' | 'away';
	/** Minutes between two copies; null: both share the data. */
	copyMinutes: number | null;
	last: { lostAt: Date; answeredAt: Date | null } | null;
}

/** Null: its plan has none. The caller has proved that the instance is the reader's. */
export async function haForCustomer(tx: Tx, tenantId: string): Promise<CustomerHa | null> {
	const { isolation, containerId } = await tx.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		select: { isolation: true, containerId: true }
	});
	if (isolation !== 'dedicated_ha' || !containerId) return null;
	const view = await haOfContainer(tx, containerId);
	const last = view?.failovers[0];
	const isOn = view?.state === 'ok' || view?.state === 'stopped' || view?.state === 'moving';
	return {
		is: isOn ? 'on' : !view || view.state === 'preparing' ? 'preparing' : 'away',
		copyMinutes: view?.replicated ? await setting('infrastructure.replication_minutes') : null,
		last: last ? { lostAt: last.lostAt, answeredAt: last.answeredAt } : null
	};
}

/** A container of another node that goes on here when that one dies. */
export interface Standby {
	id: string;
	vmid: number;
	hostname: string;
	node: { id: string; name: string };
}

/** The containers that rely on a node, by VMID. */
export async function standbysOf(tx: Tx, nodeId: string): Promise<Standby[]> {
	return tx.container.findMany({
		where: { haNodeId: nodeId, status: { not: 'deleted' } },
		select: { id: true, vmid: true, hostname: true, node: { select: { id: true, name: true } } },
		orderBy: { vmid: 'asc' }
	});
}
