import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { payLink } from '#lib/billing/dunningPayLink.server.ts';
import { asCustomer } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import type { RequestHandler } from './$types';

/** To the page where what this subscription owes is paid. */
export const GET: RequestHandler = async (event) => {
	const { scope, customerId } = requireCustomer(event, 'invoices:pay');
	const id = z.uuid().safeParse(event.params.subscription).data;
	if (!id) throw new AppError('NOT_FOUND');
	const own = await asCustomer(scope, (tx) =>
		tx.subscription.findFirst({ where: { id, customerId }, select: { id: true } })
	);
	if (!own) throw new AppError('NOT_FOUND');
	redirect(303, new URL(payLink(own.id, 'page')).pathname);
};
