import type { Tx } from '#lib/core/db.server.ts';

/**
 * Strips the mails to a customer and its people of address and content: that one was sent, and when, stays. What was not
 * sent yet never will be.
 */
export async function forgetMailsOf(
	tx: Tx,
	of: { customerId: string; userIds: string[]; addresses: string[] }
): Promise<void> {
	const where = {
		OR: [
			{ customerId: of.customerId },
			{ userId: { in: of.userIds } },
			{ toAddress: { in: of.addresses } }
		]
	};
	await tx.emailMessage.deleteMany({ where: { ...where, status: { not: 'sent' } } });
	await tx.emailMessage.updateMany({
		where,
		data: { toAddress: 'erased@erased.invalid', subject: '—', data: {}, error: null }
	});
	await tx.notification.deleteMany({ where: { customerId: of.customerId } });
}
