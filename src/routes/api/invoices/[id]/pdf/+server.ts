import { z } from 'zod';
import { invoicePdf } from '#lib/billing/invoices.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'A fresh link to the PDF of an invoice; it ends after a while, so do not store it',
		permission: 'billing:read',
		params: z.object({ id: z.uuid() }),
		response: z.object({ url: z.url() })
	},
	async ({ params }) => {
		const invoice = await db.invoice.findUnique({
			where: { id: params.id },
			select: { stripeInvoiceId: true }
		});
		if (!invoice?.stripeInvoiceId) throw new AppError('NOT_FOUND');
		return { url: await invoicePdf(invoice.stripeInvoiceId) };
	}
);
