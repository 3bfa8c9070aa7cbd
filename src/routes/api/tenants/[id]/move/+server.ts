import { z } from 'zod';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { migrationSchema, migrationView } from '#lib/provisioning/moves/migrationView.ts';
import { moveForStaff } from '#lib/provisioning/moves/tenants/staffMoves.server.ts';
import { tenantMoveBody } from '#lib/provisioning/moves/tenants/tenantMoveForms.ts';

export const POST = endpoint(
	{
		summary:
			'Move a tenant by its database to another kind of place, cluster or node; what it was is kept until it is confirmed or its time is over',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid() }),
		body: tenantMoveBody,
		response: migrationSchema,
		status: 202
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const wish = {
			...{ toIsolation: body.isolation, clusterId: body.cluster_id, nodeId: body.node_id },
			notBefore: body.not_before ? new Date(body.not_before) : null,
			reason: body.reason ?? null
		};
		return migrationView(await moveForStaff(params.id, wish, by));
	}
);
