import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { powerForm } from '#lib/infrastructure/containers/actForms.ts';
import { askForAct } from '#lib/infrastructure/containers/acts.server.ts';
import { actSchema, actView } from '#lib/infrastructure/containers/containerView.server.ts';

export const POST = endpoint(
	{
		summary: 'Restart a container; with force the plug is pulled when it does not end in time',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid() }),
		body: powerForm,
		response: actSchema,
		status: 202
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const wish = { act: 'restart' as const, ...body };
		return actView(await transaction((tx) => askForAct(tx, params.id, wish, by)));
	}
);
