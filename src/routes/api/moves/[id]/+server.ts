import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { moveOfId, moveSchema, moveView } from '#lib/provisioning/moves/moveView.server.ts';

export const GET = endpoint(
	{
		summary:
			"A container's move: how it stands, why it waits or failed, how long its instances were off the air",
		permission: 'infrastructure:read',
		params: z.object({ id: z.uuid() }),
		response: moveSchema
	},
	async ({ params }) => moveView(await moveOfId(db, params.id))
);
