import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { deleteOrCancel } from '#lib/provisioning/requests.server.ts';
import { findTenant, oneTenant, tenantSchema } from '#lib/provisioning/tenantView.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{
		summary: 'One tenant with its latest run',
		permission: 'tenants:read',
		params,
		response: tenantSchema
	},
	({ params }) => oneTenant(db, params.id)
);

export const DELETE = endpoint(
	{
		summary:
			'Take a tenant off the air and delete it after the days of grace; cancel a request that nobody has paid',
		permission: 'tenants:delete',
		params,
		response: tenantSchema,
		status: 202,
		stepUp: true
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction(async (tx) => deleteOrCancel(tx, await findTenant(tx, params.id), { by }));
		return oneTenant(db, params.id);
	}
);
