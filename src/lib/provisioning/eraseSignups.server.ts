import type { Tx } from '#lib/core/db.server.ts';

/** Strips the signups of a customer of what a visitor typed about people; plan, name of the instance and moments stay. */
export async function eraseSignups(tx: Tx, customerId: string): Promise<void> {
	await tx.signup.updateMany({
		where: { customerId },
		data: {
			companyName: '—',
			fullName: '—',
			email: `${customerId}@erased.invalid`,
			ip: null
		}
	});
}
