import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { suspend } from '#lib/provisioning/tenants.server.ts';
import { findTenant, oneTenant, tenantSchema } from '#lib/provisioning/tenantView.server.ts';

export const PUT = endpoint(
	{
		summary: 'Take a tenant off the air; its host answers 503 with a page that says why',
		permission: 'tenants:suspend',
		params: z.object({ id: z.uuid() }),
		body: z
			.object({ reason: z.enum(['unpaid', 'abuse', 'request']).default('request') })
			.default({ reason: 'request' }),
		response: tenantSchema
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction(async (tx) =>
			suspend(tx, await findTenant(tx, params.id), { reason: body.reason, by })
		);
		return oneTenant(db, params.id);
	}
);
