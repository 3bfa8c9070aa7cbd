import { z } from 'zod';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { withViewer } from '#lib/identity/bell.server.ts';
import { markRead } from '#lib/notifications/bell.server.ts';

export const POST = endpoint(
	{
		summary:
			'Mark notifications as read, all of them when no ids are given; for nobody but who asks',
		permission: 'user',
		body: z.object({ ids: z.array(z.uuid()).max(100).optional() }),
		response: z.object({ marked: z.int() })
	},
	async ({ actor, body }) => ({
		marked: await withViewer(actor, (tx, viewer) => markRead(tx, viewer, body.ids ?? 'all'))
	})
);
