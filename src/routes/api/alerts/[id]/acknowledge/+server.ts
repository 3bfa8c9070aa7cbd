import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { acknowledgeAlert } from '#lib/notifications/alerts.server.ts';
import { alertSchema, oneAlert } from '#lib/notifications/alerts/alertView.server.ts';
import { acknowledgeForm } from '#lib/notifications/schema.ts';

export const POST = endpoint(
	{
		summary: 'Take an alert on; it stays open until its cause is gone, and is quiet',
		permission: 'notifications:write',
		params: z.object({ id: z.uuid() }),
		body: z.object({ note: acknowledgeForm.shape.note.default(null) }),
		response: alertSchema
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction((tx) => acknowledgeAlert(tx, params.id, { by, note: body.note }));
		return oneAlert(db, params.id);
	}
);
