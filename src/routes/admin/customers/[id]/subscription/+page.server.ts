import { customerSubscriptions } from '#lib/billing/subscriptionsOfCustomer.server.ts';
import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:read');
	const { id } = await findCustomer(db, event.params.id);
	return {
		subscriptions: await customerSubscriptions(db, id),
		invoices: await db.invoice.findMany({
			where: { customerId: id },
			orderBy: { createdAt: 'desc' },
			take: 10,
			select: { id: true, number: true, status: true, total: true, currency: true, createdAt: true }
		})
	};
};
