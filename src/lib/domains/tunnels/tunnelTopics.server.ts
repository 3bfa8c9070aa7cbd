import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.tunnels',
	channels: () => ['staff:tunnels'],
	guard: (event) => {
		requireStaff(event, 'domains:read');
		return '';
	}
});

defineTopic({
	name: 'admin.tunnel',
	channels: (tunnelId) => [`tunnel:${tunnelId}`],
	guard: async (event, id) => {
		requireStaff(event, 'domains:read');
		// Of a deleted one too: its log stays.
		const tunnel = z.uuid().safeParse(id).success
			? await db.tunnel.findUnique({ where: { id }, select: { id: true } })
			: null;
		if (!tunnel) throw new AppError('NOT_FOUND');
		return tunnel.id;
	}
});
