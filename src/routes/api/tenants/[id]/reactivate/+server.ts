import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { bringBack } from '#lib/provisioning/tenants.server.ts';
import { findTenant, oneTenant, tenantSchema } from '#lib/provisioning/tenantView.server.ts';

export const PUT = endpoint(
	{
		summary: 'Put a suspended tenant back on the air, or undo a deletion within its days of grace',
		permission: 'tenants:reactivate',
		params: z.object({ id: z.uuid() }),
		response: tenantSchema
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction(async (tx) => bringBack(tx, await findTenant(tx, params.id), { by }));
		return oneTenant(db, params.id);
	}
);
