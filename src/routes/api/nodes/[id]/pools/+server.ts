import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { poolTargetForm } from '#lib/infrastructure/pools/poolForms.ts';
import { setPoolTarget } from '#lib/infrastructure/pools/pools.server.ts';
import { poolSchema, poolsOfNode } from '#lib/infrastructure/pools/poolView.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{
		summary: 'What a node keeps ready of each plan for whoever comes next',
		permission: 'infrastructure:read',
		params,
		response: z.array(poolSchema)
	},
	({ params }) => poolsOfNode(db, params.id)
);

export const PUT = endpoint(
	{
		summary:
			'Keep so many containers of a plan ready on a node; jobs make them or give them up, as far as there is room',
		permission: 'infrastructure:write',
		params,
		body: poolTargetForm,
		response: z.array(poolSchema)
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction((tx) => setPoolTarget(tx, { nodeId: params.id, ...body }, by));
		return poolsOfNode(db, params.id);
	}
);
