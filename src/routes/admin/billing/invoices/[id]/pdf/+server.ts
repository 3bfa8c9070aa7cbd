import { redirect } from '@sveltejs/kit';
import { invoicePdf } from '#lib/billing/invoices.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { z } from 'zod';
import type { RequestHandler } from './$types';

/** Stripe's links to documents end after a while, so each click gets a fresh one. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'billing:read');
	const id = z.uuid().safeParse(event.params.id);
	const invoice =
		id.success &&
		(await db.invoice.findUnique({ where: { id: id.data }, select: { stripeInvoiceId: true } }));
	if (!invoice || !invoice.stripeInvoiceId) throw new AppError('NOT_FOUND');
	redirect(302, await invoicePdf(invoice.stripeInvoiceId));
};
