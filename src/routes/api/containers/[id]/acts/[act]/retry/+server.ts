import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { retryAct } from '#lib/infrastructure/containers/acts.server.ts';
import { actSchema, actView } from '#lib/infrastructure/containers/containerView.server.ts';

export const POST = endpoint(
	{
		summary: 'Try a failed act again: it looks first, so that nothing is done twice',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid(), act: z.uuid() }),
		response: actSchema,
		status: 202
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		return actView(await transaction((tx) => retryAct(tx, params.id, params.act, by)));
	}
);
