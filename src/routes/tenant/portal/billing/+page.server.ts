import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, permissions } = requireCustomer(event, 'invoices:read');
	const query = parseListQuery(event.url, { sort: ['issued_at'], defaultSort: '-issued_at' });
	const where = { customerId };
	return asCustomer(scope, async (tx) => ({
		subscriptions: permissions.has('subscription:read')
			? await tx.subscription.findMany({
					where,
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
		invoices: await tx.invoice.findMany({
			where,
			orderBy: [{ createdAt: query.sort.direction }, { id: query.sort.direction }],
			skip: (query.page - 1) * query.pageSize,
			take: query.pageSize,
			select: {
				id: true,
				number: true,
				status: true,
				currency: true,
				total: true,
				issuedAt: true,
				createdAt: true,
				stripeInvoiceId: true,
				creditNotes: { select: { amount: true } }
			}
		}),
		meta: {
			total: await tx.invoice.count({ where }),
			page: query.page,
			pageSize: query.pageSize
		}
	}));
};
