import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { requestOrigin } from '#lib/identity/login.server.ts';
import { endSessions } from '#lib/identity/people.server.ts';

export const DELETE = endpoint(
	{
		summary: 'End every session of a person, who is told by mail',
		permission: 'users:manage',
		params: z.object({ id: z.uuid() }),
		response: z.object({ ended: z.number().int() }),
		stepUp: true
	},
	async ({ params, event }) => ({
		ended: await transaction((tx) =>
			endSessions(tx, params.id, event.locals.auth!, requestOrigin(event))
		)
	})
);
