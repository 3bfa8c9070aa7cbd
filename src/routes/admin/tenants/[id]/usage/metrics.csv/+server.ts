import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { metricsCsv } from '#lib/infrastructure/metrics/charts.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import type { RequestHandler } from './$types';

/** `?of=container` is the container that it shares with others. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'tenants:read');
	const { id, slug, containerId } = await findTenant(db, event.params.id);
	const ofContainer = event.url.searchParams.get('of') === 'container' && containerId;
	return ofContainer
		? metricsCsv(db, event.url, { kind: 'container', id: containerId }, `${slug}-contenedor`)
		: metricsCsv(db, event.url, { kind: 'tenant', id }, slug);
};
