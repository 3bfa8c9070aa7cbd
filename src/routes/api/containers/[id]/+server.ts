import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import {
	containerSchema,
	oneContainer
} from '#lib/infrastructure/containers/containerView.server.ts';

export const GET = endpoint(
	{
		summary: 'One container',
		permission: 'infrastructure:read',
		params: z.object({ id: z.uuid() }),
		response: containerSchema
	},
	({ params }) => oneContainer(db, params.id)
);
