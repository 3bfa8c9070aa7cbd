import type { Tx } from '#lib/core/db.server.ts';
import { erasedEntries, withoutMember, withoutPeople } from '#lib/logs/erasedEntries.server.ts';
import { customerField, customerStatus, isCustomerStatus } from './words.ts';

/** The newest changes of a customer's data with who made them, before and after, its fields by their names in words. */
export async function changesOf(tx: Tx, customerId: string) {
	const entries = await tx.auditEntry.findMany({
		where: { subjectType: 'customer', subjectId: customerId },
		orderBy: [{ at: 'desc' }, { id: 'desc' }],
		take: 10,
		select: {
			id: true,
			at: true,
			action: true,
			actorKind: true,
			actorLabel: true,
			before: true,
			after: true
		}
	});
	const erased = await erasedEntries(
		tx,
		entries.map(({ id }) => id)
	);
	return entries.map(({ actorKind, ...entry }) => {
		const hides = erased.has(entry.id);
		return {
			...entry,
			actorLabel: hides ? withoutMember(actorKind, entry.actorLabel) : entry.actorLabel,
			before: inWords(hides ? withoutPeople(entry.before) : entry.before),
			after: inWords(hides ? withoutPeople(entry.after) : entry.after)
		};
	});
}

function inWords(value: unknown): Record<string, unknown> {
	const fields: Record<string, unknown> = typeof value === 'object' ? { ...value } : {};
	return Object.fromEntries(
		Object.entries(fields).map(([name, held]) => [
			customerField(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
			name === 'status' && typeof held === 'string' && isCustomerStatus(held)
				? customerStatus(held).label
				: held
		])
	);
}
