import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { requestRestart } from '#lib/domains/tunnels/tunnelActs.server.ts';
import { oneTunnel, tunnelSchema } from '#lib/domains/tunnels/tunnelView.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const POST = endpoint(
	{
		summary: 'Cut all connectors off; each connects again by itself within seconds',
		permission: 'domains:write',
		params: z.object({ id: z.uuid() }),
		response: tunnelSchema,
		status: 202
	},
	async ({ params, event }) => {
		await transaction((tx) => requestRestart(tx, params.id, actorOf(event.locals.auth!)));
		return oneTunnel(db, params.id);
	}
);
