import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { silenceSchema, silenceView } from '#lib/notifications/alerts/alertView.server.ts';
import { endSilence } from '#lib/notifications/alerts/silences.server.ts';

export const DELETE = endpoint(
	{
		summary: 'End a silence before its time; what is still open is told at once',
		permission: 'notifications:write',
		params: z.object({ id: z.uuid() }),
		response: silenceSchema
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		return silenceView(await transaction((tx) => endSilence(tx, params.id, by)));
	}
);
