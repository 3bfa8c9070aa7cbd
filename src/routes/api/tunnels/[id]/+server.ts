import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { requestDeletion } from '#lib/domains/tunnels/tunnelActs.server.ts';
import { oneTunnel, tunnelSchema } from '#lib/domains/tunnels/tunnelView.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{ summary: 'One tunnel', permission: 'domains:read', params, response: tunnelSchema },
	({ params }) => oneTunnel(db, params.id)
);

export const DELETE = endpoint(
	{
		summary:
			'Delete a tunnel that leads nowhere; otherwise 409 says what keeps it: base domains, instances, edge hosts, connections',
		permission: 'domains:write',
		params,
		response: tunnelSchema,
		status: 202,
		stepUp: true
	},
	async ({ params, event }) => {
		await transaction((tx) => requestDeletion(tx, params.id, actorOf(event.locals.auth!)));
		return oneTunnel(db, params.id);
	}
);
