import type { Tx } from '#lib/core/db.server.ts';
import type { ContainerMove, Prisma } from '#prisma/generated/client.ts';
import { rowsOfLastTry } from './moveRows.server.ts';

const select = {
	...{ id: true, status: true, expectedMs: true, offAirAt: true, onAirAt: true },
	...{ tenantId: true, jobId: true },
	tenant: { select: { id: true, slug: true, customer: { select: { companyName: true } } } }
} satisfies Prisma.TenantMigrationSelect;

/** An instance that goes with its container. */
export type MovedInstance = Prisma.TenantMigrationGetPayload<{ select: typeof select }>;

/** What a container's move means for each of its instances, in its last try, by name. */
export async function migrationsOfMove(
	tx: Tx,
	move: Pick<ContainerMove, 'id' | 'jobId' | 'status'>
): Promise<MovedInstance[]> {
	const rows = await tx.tenantMigration.findMany({
		where: { containerMoveId: move.id },
		orderBy: { tenant: { slug: 'asc' } },
		select
	});
	return rowsOfLastTry(move, rows);
}
