import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.moves',
	channels: () => ['staff:moves', 'staff:containers', 'staff:nodes'],
	guard: (event) => {
		requireStaff(event, 'infrastructure:read');
		return '';
	}
});

defineTopic({
	name: 'admin.move',
	// Its run tells of its steps under the container that it moves.
	channels: async (moveId) => {
		const move = await db.containerMove.findUnique({
			where: { id: moveId },
			select: { containerId: true }
		});
		return ['staff:moves', ...(move ? [`container:${move.containerId}`] : [])];
	},
	guard: async (event, id) => {
		requireStaff(event, 'infrastructure:read');
		const move = z.uuid().safeParse(id).success
			? await db.containerMove.findUnique({ where: { id }, select: { id: true } })
			: null;
		if (!move) throw new AppError('NOT_FOUND');
		return move.id;
	}
});
