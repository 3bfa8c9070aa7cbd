import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { sendPaymentLink } from '#lib/provisioning/requests.server.ts';
import { findTenant, oneTenant, tenantSchema } from '#lib/provisioning/tenantView.server.ts';

export const POST = endpoint(
	{
		summary: 'Mail the link to pay once more to the customer of a requested tenant',
		permission: 'tenants:create',
		params: z.object({ id: z.uuid() }),
		response: tenantSchema,
		status: 202
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction(async (tx) => sendPaymentLink(tx, await findTenant(tx, params.id), { by }));
		return oneTenant(db, params.id);
	}
);
