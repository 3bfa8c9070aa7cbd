import type { Tx } from '#lib/core/db.server.ts';

/** The newest changes of a customer's data with who made them, and before and after. */
export function changesOf(tx: Tx, customerId: string) {
	return tx.auditEntry.findMany({
		where: { subjectType: 'customer', subjectId: customerId },
		orderBy: [{ at: 'desc' }, { id: 'desc' }],
		take: 10,
		select: { id: true, at: true, action: true, actorLabel: true, before: true, after: true }
	});
}
