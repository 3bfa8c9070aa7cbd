import { INVOICE_LIST, listInvoices } from '#lib/billing/invoiceList.server.ts';
import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, permissions } = requireCustomer(event, 'invoices:read');
	const query = parseListQuery(event.url, INVOICE_LIST);
	return asCustomer(scope, async (tx) => ({
		subscriptions: permissions.has('subscription:read')
			? await tx.subscription.findMany({
					where: { customerId },
					orderBy: { createdAt: 'desc' },
					take: 20,
					select: {
						id: true,
						billingMode: true,
						status: true,
						currency: true,
						amount: true,
						interval: true,
						currentPeriodEnd: true,
						paidThrough: true,
						cancelAt: true,
						cancelledAt: true,
						plan: { select: { name: true } }
					}
				})
			: [],
		invoices: await listInvoices(tx, customerId, query)
	}));
};
