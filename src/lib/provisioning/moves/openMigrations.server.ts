import type { Tx } from '#lib/core/db.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';

const SHOWN = 20;

const select = {
	...{ id: true, status: true, notBefore: true, expectedMs: true, offAirAt: true, onAirAt: true },
	tenant: { select: { slug: true } }
} satisfies Prisma.TenantMigrationSelect;

/** A move of an instance that is under way or planned, as its customer may know of it. */
export type OpenMigration = Prisma.TenantMigrationGetPayload<{ select: typeof select }>;

/** What of a customer's instances is being moved or is going to be. The caller's scope proves whose they are. */
export function openMigrations(tx: Tx, customerId: string): Promise<OpenMigration[]> {
	return tx.tenantMigration.findMany({
		where: {
			...{ customerId, status: { in: ['planned', 'running'] } },
			// Room that is held for a payment is no move yet.
			NOT: { jobId: null, planId: { not: null } }
		},
		orderBy: { createdAt: 'asc' },
		take: SHOWN,
		select
	});
}
