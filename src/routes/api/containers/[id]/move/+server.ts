import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { moveForm } from '#lib/provisioning/moves/containers/moveForms.ts';
import { askForMove } from '#lib/provisioning/moves/containers/moves.server.ts';
import { moveOfId, moveSchema, moveView } from '#lib/provisioning/moves/moveView.server.ts';

export const POST = endpoint(
	{
		summary:
			'Move a container with all instances in it to another node of its cluster: the named one, else the best',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid() }),
		body: moveForm,
		response: moveSchema,
		status: 202
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const wish = { containerId: params.id, toNodeId: body.node_id, reason: body.reason };
		return transaction(async (tx) => {
			const { id } = await askForMove(tx, wish, by);
			return moveView(await moveOfId(tx, id));
		});
	}
);
