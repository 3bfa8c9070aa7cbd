import { db, transaction } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import { removeDomain } from './customDomains.server.ts';

/**
 * Takes the names of a customer's domains out of our rows; that there were some, and when, stays. Those that still work
 * are removed first, and what stands for them at Cloudflare or on the edge is found by its name until it is gone.
 * @throws {Error} while something of them still stands: the queue tries again
 */
export async function eraseDomains(customerId: string): Promise<void> {
	await transaction(async (tx) => {
		const live = await tx.customDomain.findMany({
			where: { customerId, redirectToId: null, status: { not: 'removed' } }
		});
		for (const domain of live) await removeDomain(tx, domain, SYSTEM);
	});
	const rows = await db.customDomain.findMany({
		where: { customerId },
		select: { id: true, configuredAt: true }
	});
	if (rows.some(({ configuredAt }) => configuredAt))
		throw new Error('domains are still being removed');
	await transaction(async (tx) => {
		for (const { id } of rows) {
			const hostname = `${id}.erased.invalid`;
			await tx.customDomain.update({
				where: { id, customerId },
				data: {
					...{ hostname, verificationName: hostname, verificationToken: '', createdBy: null },
					...{ hostnameErrors: [], hostnameRecords: [], findings: [], error: null },
					observed: Prisma.DbNull
				}
			});
			await tx.dnsRecord.updateMany({
				where: { customDomainId: id },
				data: { name: hostname, content: '' }
			});
		}
	});
}
