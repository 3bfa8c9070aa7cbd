import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { actSchema, actView } from '#lib/infrastructure/containers/containerView.server.ts';

export const GET = endpoint(
	{
		summary:
			'Something that was asked of a container: how it stands, and why it waits or has failed',
		permission: 'infrastructure:read',
		params: z.object({ id: z.uuid(), act: z.uuid() }),
		response: actSchema
	},
	async ({ params }) => {
		const act = await db.containerAct.findFirst({
			where: { id: params.act, containerId: params.id }
		});
		if (!act) throw new AppError('NOT_FOUND');
		return actView(act);
	}
);
