import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { resizeForm } from '#lib/infrastructure/containers/actForms.ts';
import { askForAct } from '#lib/infrastructure/containers/acts.server.ts';
import { actSchema, actView } from '#lib/infrastructure/containers/containerView.server.ts';

export const POST = endpoint(
	{
		summary: 'Give a container other limits where its node has room; disks only grow',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid() }),
		body: resizeForm,
		response: actSchema,
		status: 202
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const wish = { act: 'resize' as const, ...body };
		return actView(await transaction((tx) => askForAct(tx, params.id, wish, by)));
	}
);
