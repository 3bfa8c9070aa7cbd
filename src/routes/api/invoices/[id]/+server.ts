import { z } from 'zod';
import { staffInvoice } from '#lib/billing/invoicePage.server.ts';
import { invoiceDetail, invoiceDetailSchema } from '#lib/billing/invoiceView.server.ts';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'One invoice with its lines, attempts, refunds, credit notes and acts',
		permission: 'billing:read',
		params: z.object({ id: z.uuid() }),
		response: invoiceDetailSchema
	},
	async ({ params }) => {
		const { invoice, readAt } = await staffInvoice(db, params.id);
		return invoiceDetail(invoice, readAt);
	}
);
