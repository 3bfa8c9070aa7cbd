import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { nodeFigures } from '#lib/infrastructure/nodes/figures.server.ts';
import { nodeSchema, nodeView } from '#lib/infrastructure/nodes/nodeView.server.ts';

export const GET = endpoint(
	{
		summary: 'The servers that tenants run on, with what they have promised and what they use',
		permission: 'infrastructure:read',
		response: z.array(nodeSchema)
	},
	async () => (await nodeFigures(db)).map(nodeView)
);
