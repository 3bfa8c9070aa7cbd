import type { Tx } from '#lib/core/db.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';

const select = {
	...{ id: true, status: true, expectedMs: true, offAirAt: true, onAirAt: true },
	tenant: { select: { id: true, slug: true, customer: { select: { companyName: true } } } }
} satisfies Prisma.TenantMigrationSelect;

/** An instance that goes with its container. */
export type MovedInstance = Prisma.TenantMigrationGetPayload<{ select: typeof select }>;

/** What a container's move means for each of its instances, by name. */
export function migrationsOfMove(tx: Tx, containerMoveId: string): Promise<MovedInstance[]> {
	return tx.tenantMigration.findMany({
		where: { containerMoveId },
		orderBy: { tenant: { slug: 'asc' } },
		select
	});
}
