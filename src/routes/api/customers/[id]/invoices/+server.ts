import { z } from 'zod';
import { customerInvoices } from '#lib/billing/subscriptionsOfCustomer.server.ts';
import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';

const params = z.object({ id: z.uuid() });
const moment = z.iso.datetime().nullable();

export const GET = endpoint(
	{
		summary: 'The invoices of one customer, newest first',
		permission: 'billing:read',
		params,
		query: pageQuery,
		response: z.array(
			z.object({
				id: z.uuid(),
				number: z.string().nullable(),
				/** Stripe's word: draft, open, paid, uncollectible, void. */
				status: z.string(),
				currency: z.string(),
				/** Minor units, as all amounts. */
				subtotal: z.number().int(),
				tax: z.number().int(),
				total: z.number().int(),
				amount_paid: z.number().int(),
				amount_remaining: z.number().int(),
				issued_at: moment,
				due_at: moment,
				paid_at: moment,
				created_at: z.iso.datetime()
			})
		)
	},
	async ({ params, query }) => {
		const { id } = await findCustomer(db, params.id);
		const page = { page: query.page, pageSize: query.page_size, cursor: query.cursor ?? null };
		const { rows, meta } = await customerInvoices(db, id, page);
		const invoices = rows.map((row) => ({
			id: row.id,
			number: row.number,
			status: row.status,
			currency: row.currency,
			subtotal: row.subtotal,
			tax: row.tax,
			total: row.total,
			amount_paid: row.amountPaid,
			amount_remaining: row.amountRemaining,
			issued_at: row.issuedAt?.toISOString() ?? null,
			due_at: row.dueAt?.toISOString() ?? null,
			paid_at: row.paidAt?.toISOString() ?? null,
			created_at: row.createdAt.toISOString()
		}));
		return paged(invoices, meta);
	}
);
