import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { askForAct } from '#lib/infrastructure/containers/acts.server.ts';
import { actSchema, actView } from '#lib/infrastructure/containers/containerView.server.ts';

export const POST = endpoint(
	{
		summary: 'Start a container; one that runs already is left as it is',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid() }),
		response: actSchema,
		status: 202
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		const wish = { act: 'start' as const };
		return actView(await transaction((tx) => askForAct(tx, params.id, wish, by)));
	}
);
