import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { publicUrl } from '../domains/base/baseDomains.server.ts';
import { homeOf, hostUrl, tenantHosts } from '../domains/custom/domainHosts.server.ts';
import { odooIn } from '../infrastructure/containers/odooClient.server.ts';
import { OdooError } from '../integrations/odoo/errors.ts';

/** States in which a tenant has a database that answers. */
const LIVE = new Set(['active', 'degraded', 'suspended']);

/** The address that an instance should name in links and mails: its primary domain while that works, else the platform's. */
export async function wantedBaseUrl(tenantId: string): Promise<string> {
	const hosts = await tenantHosts(db, tenantId);
	const home = homeOf(hosts);
	if (home !== hosts.platform) return hostUrl(home);
	const { slug, baseDomain } = await db.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		select: { slug: true, baseDomain: { select: { name: true } } }
	});
	return publicUrl(slug, baseDomain.name);
}

/** Makes an instance name the right address, and reads it back. May run any number of times. */
export async function applyBaseUrl(tenantId: string): Promise<void> {
	const tenant = await db.tenant.findUnique({ where: { id: tenantId } });
	if (!tenant?.containerId || !LIVE.has(tenant.status)) return;
	const url = await wantedBaseUrl(tenantId);
	const odoo = await odooIn(tenant.containerId, {
		customerId: tenant.customerId,
		subjectId: tenant.id
	});
	try {
		const { databaseName } = tenant;
		const wanted = { 'web.base.url': url, 'web.base.url.freeze': 'True' };
		const stands = async () => {
			const there = await odoo.getParameters(databaseName, Object.keys(wanted));
			return Object.entries(wanted).every(([key, value]) => there[key] === value);
		};
		if (!(await stands())) await odoo.setParameters(databaseName, wanted);
		if (!(await stands()))
			throw new OdooError({
				operation: 'db.parameters',
				kind: 'not_done',
				message: `${databaseName} does not keep its address`,
				retryable: true
			});
	} finally {
		await odoo.close();
	}
	await db.tenant.updateMany({
		where: { id: tenant.id, customerId: tenant.customerId },
		data: { baseUrl: url }
	});
}

defineJob({
	name: 'provisioning.base-url',
	payload: z.object({ tenantId: z.uuid() }),
	run: ({ tenantId }) => applyBaseUrl(tenantId),
	concurrency: 4,
	queue: { ...ONE_PER_KEY, retryDelay: 5, retryDelayMax: 300 }
});
