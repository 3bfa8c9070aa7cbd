import { z } from 'zod';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { migrationSchema, migrationView } from '#lib/provisioning/moves/migrationView.ts';
import { migrationAct } from '#lib/provisioning/moves/tenants/staffMoves.server.ts';
import { beginTenantMove } from '#lib/provisioning/moves/tenants/tenantMoves.server.ts';

export const POST = endpoint(
	{
		summary: 'Begin a planned migration now, before the time that the customer was told',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid(), migration: z.uuid() }),
		response: migrationSchema,
		status: 202
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		const row = await migrationAct(params.id, params.migration, (tx, id) =>
			beginTenantMove(tx, id, by)
		);
		return migrationView(row);
	}
);
