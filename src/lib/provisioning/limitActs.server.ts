import { transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { checkLimits } from '../plans/limitStates.server.ts';
import { setReadOnly } from './readOnly.server.ts';
import { reactivate, suspend } from './tenants.server.ts';
import { isSuspended } from './tenantStates.ts';

/**
 * Looks at a customer's limits and makes its instances what they want: writing is taken and given, an instance suspended
 * and brought back. What somebody suspended for another reason stays suspended.
 */
export async function enforceLimits(customerId: string): Promise<void> {
	await transaction(async (tx) => {
		for (const { tenantId, readOnly, suspended } of await checkLimits(tx, customerId)) {
			const tenant = await tx.tenant.findFirstOrThrow({ where: { id: tenantId, customerId } });
			await setReadOnly(tx, tenant, { on: readOnly, reason: 'limit', by: SYSTEM });
			const isOurs = isSuspended(tenant) && tenant.suspensionReason === 'limit';
			// `setReadOnly` may have changed the row: what is suspended is the row of now.
			const fresh = await tx.tenant.findFirstOrThrow({ where: { id: tenantId, customerId } });
			if (suspended && (tenant.status === 'active' || tenant.status === 'degraded'))
				await suspend(tx, fresh, { reason: 'limit', by: SYSTEM });
			else if (!suspended && isOurs) await reactivate(tx, fresh, { by: SYSTEM });
		}
	});
}
