import type { Tx } from '#lib/core/db.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';

/** What a customer may read of a migration: the columns that the tenant's role is granted. */
const shown = {
	id: true,
	tenantId: true,
	fromIsolation: true,
	toIsolation: true,
	planId: true,
	jobId: true,
	status: true,
	notBefore: true,
	expectedMs: true,
	offAirAt: true,
	onAirAt: true,
	keepUntil: true,
	createdAt: true,
	startedAt: true,
	finishedAt: true
} satisfies Prisma.TenantMigrationSelect;

type Shown = Prisma.TenantMigrationGetPayload<{ select: typeof shown }>;

/** One migration of an instance, for lists. */
export interface MigrationRow extends Shown {
	/** For staff alone. */
	staff: StaffFacts | null;
}

interface StaffFacts {
	/** With its container, rather than by its database. */
	containerMoveId: string | null;
	/** `node / CT 218`; null when there is none, or none yet. */
	from: string | null;
	to: string | null;
	/** `code` or `code: words of the vendor`. */
	error: string | null;
	reason: string | null;
	byLabel: string;
	confirmedBy: string | null;
}

const SHOWN = 20;

/** The migrations of a customer's instances, or of one, as it sees them, newest first. The caller's scope proves whose they are. */
export async function ownMigrations(
	tx: Tx,
	{ tenantId, customerId }: { tenantId?: string; customerId: string }
): Promise<MigrationRow[]> {
	const rows = await tx.tenantMigration.findMany({
		where: {
			...{ customerId, ...(tenantId ? { tenantId } : {}) },
			// Room that is held for a payment is no move yet.
			NOT: { jobId: null, planId: { not: null } }
		},
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: SHOWN,
		select: shown
	});
	return rows.map((row) => ({ ...row, staff: null }));
}

/** The migrations of one instance for staff, newest first, by its container and by its database alike. */
export async function migrationsOf(tx: Tx, tenantId: string): Promise<MigrationRow[]> {
	const rows = await tx.tenantMigration.findMany({
		where: { tenantId },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: SHOWN,
		select: {
			...shown,
			...{ containerMoveId: true, fromContainerId: true, toContainerId: true },
			...{ error: true, reason: true, byLabel: true, confirmedBy: true },
			containerMove: { select: { fromNodeId: true, toNodeId: true } }
		}
	});
	const places = await placesOf(tx, rows);
	return rows.map((row) => {
		const { containerMoveId, containerMove, fromContainerId, toContainerId, ...rest } = row;
		const { error, reason, byLabel, confirmedBy, ...facts } = rest;
		const moved = containerMove && {
			from: places.on(fromContainerId, containerMove.fromNodeId),
			to: places.on(fromContainerId, containerMove.toNodeId)
		};
		return {
			...facts,
			staff: {
				...{ containerMoveId, error, reason, byLabel, confirmedBy },
				from: moved ? moved.from : places.of(fromContainerId),
				to: moved ? moved.to : places.of(toContainerId)
			}
		};
	});
}

async function placesOf(
	tx: Tx,
	rows: {
		fromContainerId: string;
		toContainerId: string | null;
		containerMove: { fromNodeId: string; toNodeId: string | null } | null;
	}[]
) {
	const containers = await tx.container.findMany({
		where: {
			id: { in: rows.flatMap((row) => [row.fromContainerId, row.toContainerId ?? []].flat()) }
		},
		select: { id: true, vmid: true, node: { select: { name: true } } }
	});
	const nodes = await tx.node.findMany({
		where: {
			id: {
				in: rows.flatMap(({ containerMove: move }) =>
					move ? [move.fromNodeId, move.toNodeId ?? []].flat() : []
				)
			}
		},
		select: { id: true, name: true }
	});
	const found = (id: string | null) => containers.find((container) => container.id === id);
	return {
		/** Where a container is now. */
		of: (id: string | null) => {
			const container = found(id);
			return container ? `${container.node.name} / CT ${container.vmid}` : null;
		},
		/** A container on the node that it was on, or goes to. */
		on: (id: string, nodeId: string | null) => {
			const name = nodes.find((node) => node.id === nodeId)?.name;
			const container = found(id);
			return name && container ? `${name} / CT ${container.vmid}` : (name ?? null);
		}
	};
}
