import { z } from 'zod';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { withViewer } from '#lib/identity/bell.server.ts';
import { unread } from '#lib/notifications/bell.server.ts';

export const GET = endpoint(
	{
		summary: 'The latest twenty notifications of who asks, and how many of thirty days are unread',
		permission: 'user',
		response: z.object({
			unread: z.int(),
			notifications: z.array(
				z.object({
					id: z.uuid(),
					kind: z.string(),
					severity: z.string(),
					sentence: z.string(),
					href: z.string().nullable(),
					created_at: z.iso.datetime(),
					read: z.boolean()
				})
			)
		})
	},
	async ({ actor }) => {
		const bell = await withViewer(actor, unread);
		return {
			unread: bell.unread,
			notifications: bell.notifications.map(({ createdAt, ...entry }) => ({
				...entry,
				created_at: createdAt.toISOString()
			}))
		};
	}
);
