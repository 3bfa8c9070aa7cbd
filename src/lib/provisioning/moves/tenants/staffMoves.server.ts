import { transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { findTenant } from '../../tenantView.server.ts';
import { migrationsOf, type MigrationRow } from '../migrations.server.ts';
import { askForTenantMove, type TenantMoveRequest } from './tenantMoves.server.ts';

/**
 * Has an instance moved for staff, within the limits of the plan that it has.
 * @throws {AppError} TENANT_NOT_FOUND, and what `askForTenantMove` throws
 */
export function moveForStaff(
	tenantId: string,
	wish: Omit<TenantMoveRequest, 'tenantId' | 'planId'>,
	by: Actor
): Promise<MigrationRow> {
	return transaction(async (tx) => {
		const tenant = await findTenant(tx, tenantId);
		const { id } = await askForTenantMove(tx, { ...wish, tenantId: tenant.id }, by);
		return staffMigration(tx, tenant.id, id);
	});
}

/** A migration of this instance. @throws {AppError} NOT_FOUND, also for another instance's */
export async function staffMigration(tx: Tx, tenantId: string, id: string): Promise<MigrationRow> {
	const found = (await migrationsOf(tx, tenantId)).find((row) => row.id === id);
	if (!found) throw new AppError('NOT_FOUND');
	return found;
}

/**
 * Does something with a migration by its database: its container's moves have acts of their own.
 * @throws {AppError} TENANT_NOT_FOUND; NOT_FOUND, also for another instance's; and what the act throws
 */
export function migrationAct(
	tenantId: string,
	id: string,
	act: (tx: Tx, id: string) => Promise<unknown>
): Promise<MigrationRow> {
	return transaction(async (tx) => {
		const tenant = await findTenant(tx, tenantId);
		const row = await tx.tenantMigration.findFirst({
			where: { id, tenantId: tenant.id, containerMoveId: null },
			select: { id: true }
		});
		if (!row) throw new AppError('NOT_FOUND');
		await act(tx, row.id);
		return staffMigration(tx, tenant.id, id);
	});
}
