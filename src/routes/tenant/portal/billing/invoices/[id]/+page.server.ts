import { randomUUID } from 'node:crypto';
import { fail, redirect } from '@sveltejs/kit';
import { declineReason, declineRemedy } from '#lib/billing/declines.ts';
import { actForm } from '#lib/billing/invoiceForms.ts';
import { portalInvoice, readAt } from '#lib/billing/invoicePage.server.ts';
import { invoicePayPage, payNow } from '#lib/billing/invoicePay.server.ts';
import { invoiceActError } from '#lib/billing/invoiceWords.ts';
import { asCustomer, asOwner } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { z } from 'zod';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, permissions } = requireCustomer(event, 'invoices:read');
	return asCustomer(scope, async (tx) => {
		const { stripeInvoiceId, ...invoice } = await portalInvoice(tx, customerId, event.params.id);
		const running = await tx.invoiceAct.findFirst({
			where: {
				customerId,
				invoiceId: invoice.id,
				kind: 'retry',
				status: { in: ['ordered', 'pending'] }
			},
			select: { id: true, status: true }
		});
		const customer = await tx.customer.findUniqueOrThrow({
			where: { id: customerId },
			select: { taxExempt: true }
		});
		return {
			invoice,
			reverse: customer.taxExempt === 'reverse',
			isRunning: running !== null,
			/** The payment that Stripe did not answer to yet: asked for once more, it is tried at once. */
			waits: running?.status === 'ordered' ? running.id : null,
			/** Of the payment that this page may ask for: sent twice, it is one. */
			actId: randomUUID(),
			hasPdf: stripeInvoiceId !== null && invoice.status !== 'draft',
			mayPay:
				permissions.has('invoices:pay') && invoice.status === 'open' && stripeInvoiceId !== null,
			readAt: await asOwner(tx, (owner) => readAt(owner, stripeInvoiceId))
		};
	});
};

export const actions: Actions = {
	pay: (event) => {
		const { customerId } = requireCustomer(event, 'invoices:pay');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, actForm, async ({ id }) => {
			const { act, page } = await payNow({ id, invoiceId: event.params.id, customerId, by });
			if (page) redirect(303, page);
			if (act.status === 'done') return { message: m.portal_invoice_thanks() };
			if (act.status !== 'failed') return { message: m.portal_invoice_running() };
			const told = invoiceActError({ ...act, declineCode: null })?.sentence;
			const message = act.declineCode
				? m.portal_invoice_declined({
						reason: declineReason(act.declineCode),
						remedy: declineRemedy(act.declineCode)
					})
				: (told ?? m.decline_other());
			return fail(402, { message, values: {} });
		});
	},
	/** To Stripe's page of the invoice, where another card can be used. */
	page: async (event) => {
		const { scope, customerId } = requireCustomer(event, 'invoices:pay');
		const { stripeInvoiceId } = await asCustomer(scope, (tx) =>
			portalInvoice(tx, customerId, event.params.id)
		);
		return answerForm(event.request, z.object({}), async () => {
			const page = stripeInvoiceId && (await invoicePayPage(stripeInvoiceId));
			if (!page) throw new AppError('NOT_FOUND');
			redirect(303, page);
		});
	}
};
