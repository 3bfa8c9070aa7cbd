import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { TenantStatus } from '#prisma/generated/client.ts';
import { odooIn } from '../infrastructure/containers/odooClient.server.ts';
import { recordReading } from '../plans/use.server.ts';

/** States in which there is something to measure. */
const LIVE: TenantStatus[] = ['active', 'degraded', 'suspended'];

/** Asks for a look into every container that has live instances, and for the limits of everybody who has any. */
export async function measureAll(): Promise<void> {
	const containers = await db.tenant.groupBy({
		by: ['containerId'],
		where: { status: { in: LIVE }, containerId: { not: null } }
	});
	for (const { containerId } of containers) {
		if (!containerId) continue;
		await transaction((tx) =>
			enqueue(tx, 'provisioning.measure-container', { containerId }, { key: containerId })
		);
	}
}

/**
 * Reads what each live instance of a container uses and looks at the limits of its customer. An instance that does not
 * answer keeps its last reading, which nobody goes by once it is a day old.
 */
export async function measureContainer(containerId: string): Promise<void> {
	const tenants = await db.tenant.findMany({
		where: { containerId, status: { in: LIVE } },
		select: { id: true, customerId: true, slug: true, databaseName: true }
	});
	if (tenants.length === 0) return;
	const odoo = await odooIn(containerId, {});
	try {
		for (const tenant of tenants) {
			try {
				const { users, diskMb } = await odoo.measure(tenant.databaseName);
				const at = now();
				await transaction(async (tx) => {
					await recordReading(tx, tenant, 'users', { used: users, at });
					await recordReading(tx, tenant, 'disk_gb', { used: diskMb, at });
				});
			} catch (error) {
				log.warn({ err: error, tenantId: tenant.id }, 'an instance could not be measured');
			}
		}
	} finally {
		await odoo.close();
	}
	for (const customerId of new Set(tenants.map((tenant) => tenant.customerId)))
		await transaction((tx) => enqueue(tx, 'provisioning.check-limits', { customerId }));
}
