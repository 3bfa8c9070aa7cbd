import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';
import { logTopic } from './connectorLog.server.ts';

defineTopic({
	// The lines of its cloudflared, and what becomes of the way there.
	name: 'admin.tunnel-log',
	channels: (tunnelId) => [logTopic(tunnelId), `tunnel:${tunnelId}`],
	guard: async (event, id) => {
		requireStaff(event, 'domains:read');
		const tunnel = z.uuid().safeParse(id).success
			? await db.tunnel.findUnique({ where: { id }, select: { id: true } })
			: null;
		if (!tunnel) throw new AppError('NOT_FOUND');
		return tunnel.id;
	}
});
