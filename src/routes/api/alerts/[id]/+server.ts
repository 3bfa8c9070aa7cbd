import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { alertSchema, oneAlert } from '#lib/notifications/alerts/alertView.server.ts';

export const GET = endpoint(
	{
		summary: 'One alert',
		permission: 'notifications:read',
		params: z.object({ id: z.uuid() }),
		response: alertSchema
	},
	({ params }) => oneAlert(db, params.id)
);
