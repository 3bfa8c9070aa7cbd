import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { containerUsage } from '#lib/infrastructure/usage.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'tenants:read');
	const { containerId } = await findTenant(db, event.params.id);
	if (!containerId) return { container: null, usage: null };
	const container = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: {
			vmid: true,
			hostname: true,
			purpose: true,
			status: true,
			cpuCores: true,
			ramMb: true,
			diskGb: true,
			slots: true,
			ipAddress: true,
			odooVersion: true,
			node: { select: { name: true } },
			tenants: {
				where: { status: { notIn: ['deleted', 'refunded'] } },
				orderBy: { slug: 'asc' },
				select: { id: true, slug: true }
			}
		}
	});
	return { container, usage: await containerUsage(db, containerId) };
};
