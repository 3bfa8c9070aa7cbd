import type { Tx } from '#lib/core/db.server.ts';

/** Strips what vendors were told and answered about a customer; that they were called, and what came of it, stays. */
export async function forgetCallsOf(tx: Tx, customerId: string): Promise<void> {
	await tx.$executeRaw`
		UPDATE vendor_calls SET request = '{}', response = NULL, error = left(error, 40)
		WHERE customer_id = ${customerId}::uuid AND status <> 'pending'`;
}
