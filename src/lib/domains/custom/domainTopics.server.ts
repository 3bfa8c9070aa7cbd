import { z } from 'zod';
import { asCustomer, db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireCustomer, requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'portal.domains',
	channels: (customerId) => [`customer:${customerId}`],
	guard: (event) => requireCustomer(event, 'domains:read').customerId
});

defineTopic({
	name: 'portal.domain',
	channels: (domainId) => [`domain:${domainId}`],
	guard: async (event, id) => {
		const { scope, customerId } = requireCustomer(event, 'domains:read');
		if (!z.uuid().safeParse(id).success) throw new AppError('NOT_FOUND');
		const where = { id, customerId };
		const domain = await asCustomer(scope, (tx) =>
			tx.customDomain.findFirst({ where, select: { id: true } })
		);
		// The same for what is not there and what is somebody else's.
		if (!domain) throw new AppError('NOT_FOUND');
		return domain.id;
	}
});

defineTopic({
	name: 'admin.domains',
	channels: () => ['staff:domains'],
	guard: (event) => {
		requireStaff(event, 'domains:read');
		return '';
	}
});

defineTopic({
	name: 'admin.domain',
	channels: (domainId) => [`domain:${domainId}`],
	guard: async (event, id) => {
		requireStaff(event, 'domains:read');
		// Of a removed one too: its history stays.
		const domain = z.uuid().safeParse(id).success
			? await db.customDomain.findUnique({ where: { id }, select: { id: true } })
			: null;
		if (!domain) throw new AppError('NOT_FOUND');
		return domain.id;
	}
});
