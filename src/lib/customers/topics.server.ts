import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireCustomer, requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	// Also how far imports are, and whether what is Stripe's is as Stripe has it.
	name: 'admin.customers',
	channels: () => ['staff:customers', 'staff:vendors'],
	guard: (event) => {
		requireStaff(event, 'customers:read');
		return '';
	}
});

defineTopic({
	name: 'admin.customer',
	channels: (customerId) => [`customer:${customerId}`],
	guard: async (event, id) => {
		requireStaff(event, 'customers:read');
		const known =
			z.uuid().safeParse(id).success &&
			(await db.customer.findUnique({ where: { id }, select: { id: true } }));
		if (!known) throw new AppError('NOT_FOUND');
		return known.id;
	}
});

defineTopic({
	// The company that the session works for, whatever the client names.
	name: 'portal.customer',
	channels: (customerId) => [`customer:${customerId}`],
	guard: (event) => {
		const member = requireCustomer(event, 'instance:read');
		return member.customerId;
	}
});
