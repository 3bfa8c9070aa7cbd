import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type {
	ContainerMove,
	Prisma,
	TenantMigration,
	TenantStatus
} from '#prisma/generated/client.ts';

/** Instances that a move takes along; one in deletion is away already, and one that was never set up is nobody's. */
const TAKEN_ALONG: TenantStatus[] = ['active', 'degraded', 'suspended', 'migrating'];

/** The instances in a container, in the order in which they are locked. */
export function inhabitants(tx: Tx, containerId: string) {
	return tx.tenant.findMany({
		where: { containerId, status: { in: TAKEN_ALONG } },
		orderBy: { id: 'asc' },
		include: { customer: true }
	});
}

/** What a move writes of each of its instances. */
type RowData = Pick<
	Prisma.TenantMigrationUncheckedCreateInput,
	'jobId' | 'notBefore' | 'expectedMs' | 'reason' | 'byId' | 'byLabel'
> & { byLabel: string };

/**
 * One open row for each instance that is in the container now: those that came since it was planned have theirs, those that
 * left have none.
 */
export async function matchMigrations(tx: Tx, move: ContainerMove, data: RowData): Promise<void> {
	const inside = await inhabitants(tx, move.containerId);
	const open = await tx.tenantMigration.findMany({
		where: { containerMoveId: move.id, status: 'planned' }
	});
	const left = open.filter(({ tenantId }) => !inside.some(({ id }) => id === tenantId));
	await tx.tenantMigration.updateMany({
		where: { id: { in: left.map(({ id }) => id) } },
		data: { status: 'cancelled', finishedAt: now() }
	});
	await tx.tenantMigration.updateMany({
		where: { containerMoveId: move.id, status: 'planned' },
		data
	});
	await tx.tenantMigration.createMany({
		data: inside
			.filter(({ id }) => !open.some(({ tenantId }) => tenantId === id))
			.map(({ id, customerId, isolation }) => ({
				...data,
				...{ tenantId: id, customerId, containerMoveId: move.id },
				...{ fromContainerId: move.containerId, toContainerId: move.containerId },
				...{ fromIsolation: isolation, toIsolation: isolation }
			}))
	});
}

type Try = Pick<ContainerMove, 'jobId' | 'status'>;
type RowOfTry = Pick<TenantMigration, 'id' | 'tenantId' | 'jobId' | 'status'>;

/**
 * Of all rows of a move those of its last try, one for each instance, in the same order: each run has rows of its own, and
 * what has not begun has those that are planned.
 */
export function rowsOfLastTry<T extends RowOfTry>({ jobId, status }: Try, rows: T[]): T[] {
	const its = rows.filter(
		(row) => row.jobId === jobId && (status !== 'planned' || row.status === 'planned')
	);
	return its.filter(
		(row) => !its.some(({ id, tenantId }) => tenantId === row.tenantId && id > row.id)
	);
}

/** Writes of a move and, alike, of the rows of its instances in this run. */
export async function writeMove(
	tx: Tx,
	move: { id: string; jobId: string | null },
	data: Prisma.ContainerMoveUncheckedUpdateManyInput,
	ofTenants: Prisma.TenantMigrationUncheckedUpdateManyInput = {}
): Promise<void> {
	await tx.containerMove.updateMany({ where: { id: move.id }, data });
	if (Object.keys(ofTenants).length > 0)
		await tx.tenantMigration.updateMany({
			where: { containerMoveId: move.id, jobId: move.jobId, status: { not: 'cancelled' } },
			data: ofTenants
		});
	await announceMove(tx, move.id);
}

/** Tells whoever looks at a move, at its container or at one of its instances. */
export async function announceMove(tx: Tx, moveId: string): Promise<void> {
	const { containerId, migrations } = await tx.containerMove.findUniqueOrThrow({
		where: { id: moveId },
		select: { containerId: true, migrations: { select: { tenantId: true, customerId: true } } }
	});
	const topics = migrations.flatMap(({ tenantId, customerId }) => [
		`tenant:${tenantId}`,
		`customer:${customerId}`
	]);
	await publish(
		tx,
		['staff:moves', 'staff:containers', `container:${containerId}`, ...new Set(topics)],
		moveId
	);
}
