import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { findNode } from '#lib/infrastructure/nodes/oneNode.server.ts';
import { beginDrain } from '#lib/provisioning/moves/drains/drains.server.ts';
import {
	drainOfNode,
	drainSchema,
	drainView
} from '#lib/provisioning/moves/drains/drainView.server.ts';

export const POST = endpoint(
	{
		summary: 'Begin to empty a node now, before the time that customers were told',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid() }),
		response: drainSchema,
		status: 202
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		return transaction(async (tx) => {
			const { id } = await findNode(tx, params.id);
			const drain = await drainOfNode(tx, id);
			if (!drain) throw new AppError('NOT_FOUND');
			await beginDrain(tx, drain.id, by);
			return drainView((await drainOfNode(tx, id))!);
		});
	}
);
