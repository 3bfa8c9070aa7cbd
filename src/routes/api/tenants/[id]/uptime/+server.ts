import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import { uptimeOf } from '#lib/provisioning/uptime/uptime.server.ts';
import { uptimeSchema, uptimeView } from '#lib/provisioning/uptime/uptimeView.server.ts';
import { setting } from '#lib/settings/settings.server.ts';

export const GET = endpoint(
	{
		summary: "How a tenant has been answering: months against its plan's SLA, days, outages",
		permission: 'tenants:read',
		params: z.object({ id: z.uuid() }),
		response: uptimeSchema
	},
	async ({ params }) => {
		const { id, customerId, planId } = await findTenant(db, params.id);
		const { slaBasisPoints } = await db.plan.findUniqueOrThrow({ where: { id: planId } });
		const zone = await setting('general.timezone');
		return uptimeView(id, await uptimeOf(db, { tenantId: id, customerId, slaBasisPoints, zone }));
	}
);
