import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { beginMaintenance, endMaintenance } from '#lib/infrastructure/nodes/maintenance.server.ts';
import { nodeDetail, nodeDetailSchema } from '#lib/infrastructure/nodes/nodeDetail.server.ts';
import { maintenanceForm } from '#lib/infrastructure/nodes/nodeForms.ts';

const params = z.object({ id: z.uuid() });

export const POST = endpoint(
	{
		summary: 'Take a node out of service: nothing new is placed there, what lives there goes on',
		permission: 'infrastructure:write',
		params,
		body: maintenanceForm,
		response: nodeDetailSchema
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction((tx) => beginMaintenance(tx, params.id, { reason: body.reason, by }));
		return nodeDetail(db, params.id);
	}
);

export const DELETE = endpoint(
	{
		summary: 'Put a node back into service',
		permission: 'infrastructure:write',
		params,
		response: nodeDetailSchema
	},
	async ({ params, event }) => {
		await transaction((tx) => endMaintenance(tx, params.id, actorOf(event.locals.auth!)));
		return nodeDetail(db, params.id);
	}
);
