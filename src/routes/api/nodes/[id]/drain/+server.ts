import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { findNode } from '#lib/infrastructure/nodes/oneNode.server.ts';
import { drainPlanOf } from '#lib/provisioning/moves/drains/drainContainers.server.ts';
import { drainForm } from '#lib/provisioning/moves/drains/drainForms.ts';
import { startDrain } from '#lib/provisioning/moves/drains/drains.server.ts';
import {
	drainOfNode,
	drainRows,
	drainSchema,
	drainView,
	nodeDrainSchema,
	planView
} from '#lib/provisioning/moves/drains/drainView.server.ts';
import { setting } from '#lib/settings/settings.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{
		summary:
			'Where everything on a node would go if it were emptied now, and how its last drain stands',
		permission: 'infrastructure:read',
		params,
		response: nodeDrainSchema
	},
	async ({ params }) => {
		const { id } = await findNode(db, params.id);
		const drain = await drainOfNode(db, id);
		return { plan: planView(await drainPlanOf(db, id)), drain: drain && drainView(drain) };
	}
);

export const POST = endpoint(
	{
		summary:
			'Empty a node: it goes into maintenance, and what may go is moved to other nodes of its cluster, one after the other',
		permission: 'infrastructure:write',
		params,
		body: drainForm,
		response: drainSchema,
		status: 202,
		stepUp: true
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const noticeHours = body.notice_hours ?? (await setting('provisioning.drain_notice_hours'));
		return transaction(async (tx) => {
			const { id } = await startDrain(tx, params.id, { reason: body.reason, noticeHours }, by);
			const [row] = await drainRows(tx, [id]);
			return drainView(row!);
		});
	}
);
