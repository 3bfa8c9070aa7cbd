import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { beginEarly } from '#lib/provisioning/moves/containers/moves.server.ts';
import { moveOfId, moveSchema, moveView } from '#lib/provisioning/moves/moveView.server.ts';

export const POST = endpoint(
	{
		summary: "Begin a container's planned move now, before the time that customers were told",
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid() }),
		response: moveSchema,
		status: 202
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		return transaction(async (tx) => {
			const { id } = await beginEarly(tx, params.id, by);
			return moveView(await moveOfId(tx, id));
		});
	}
);
