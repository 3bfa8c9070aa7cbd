import type { Tx } from '#lib/core/db.server.ts';
import { publicUrl } from '#lib/domains/base/baseDomains.server.ts';

/** The hosts that a company's instances have under our own domains; those of instances that are gone are left out. */
export async function customerHosts(tx: Tx, customerId: string) {
	const tenants = await tx.tenant.findMany({
		where: { customerId, status: { notIn: ['deleted', 'refunded'] } },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: 100,
		select: {
			id: true,
			slug: true,
			status: true,
			published: true,
			createdAt: true,
			baseDomain: { select: { name: true } }
		}
	});
	return tenants.map(({ baseDomain, ...tenant }) => ({
		...tenant,
		host: `${tenant.slug}.${baseDomain.name}`,
		url: publicUrl(tenant.slug, baseDomain.name)
	}));
}
