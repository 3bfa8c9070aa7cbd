import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { AppError } from '#lib/core/errors.ts';
import { asCustomer } from '#lib/core/db.server.ts';
import { invoicePdf } from '#lib/billing/invoices.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import type { RequestHandler } from './$types';

/** Stripe's links to documents end after a while, so each click gets a fresh one. */
export const GET: RequestHandler = async (event) => {
	const { scope, customerId } = requireCustomer(event, 'invoices:read');
	const id = z.uuid().safeParse(event.params.id);
	if (!id.success) throw new AppError('NOT_FOUND');
	const invoice = await asCustomer(scope, (tx) =>
		tx.invoice.findFirst({
			where: { id: id.data, customerId },
			select: { stripeInvoiceId: true }
		})
	);
	if (!invoice?.stripeInvoiceId) throw new AppError('NOT_FOUND');
	redirect(302, await invoicePdf(invoice.stripeInvoiceId));
};
