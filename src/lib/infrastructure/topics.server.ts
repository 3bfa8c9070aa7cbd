import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.nodes',
	channels: () => ['staff:nodes', 'staff:containers', 'staff:metrics'],
	guard: (event) => {
		requireStaff(event, 'infrastructure:read');
		return '';
	}
});

defineTopic({
	name: 'admin.container',
	// Whoever moves, measures or makes it tells the lists alone.
	channels: (containerId) => [`container:${containerId}`, 'staff:containers'],
	guard: async (event, id) => {
		requireStaff(event, 'infrastructure:read');
		const container = z.uuid().safeParse(id).success
			? await db.container.findUnique({ where: { id }, select: { id: true } })
			: null;
		if (!container) throw new AppError('NOT_FOUND');
		return container.id;
	}
});

defineTopic({
	name: 'admin.cluster-drifts',
	channels: () => ['staff:drifts'],
	guard: (event) => {
		requireStaff(event, 'infrastructure:read');
		return '';
	}
});
