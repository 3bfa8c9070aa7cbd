import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.templates',
	channels: () => ['staff:templates'],
	guard: (event) => {
		requireStaff(event, 'infrastructure:read');
		return '';
	}
});

defineTopic({
	name: 'admin.template',
	// Who waits to be copied from it keeps it from being retired.
	channels: (id) => [`template:${id}`, 'staff:containers'],
	guard: async (event, id) => {
		requireStaff(event, 'infrastructure:read');
		const template = z.uuid().safeParse(id).success
			? await db.template.findUnique({ where: { id }, select: { id: true } })
			: null;
		if (!template) throw new AppError('NOT_FOUND');
		return template.id;
	}
});
