import { z } from 'zod';
import { tryInvoiceAct } from '#lib/billing/invoiceActRun.server.ts';
import { orderInvoiceAct, retryInvoiceAct } from '#lib/billing/invoiceActs.server.ts';
import { actForm, amountForm, confirmedForm, parseAmount } from '#lib/billing/invoiceForms.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import type { InvoiceActKind } from '#prisma/generated/client.ts';
import { m } from '#i18n/paraglide/messages.js';
import { answerOf } from '../answer.server.ts';
import type { Actions, RequestEvent } from './$types';

export const actions: Actions = {
	retry: (event) => {
		requireStaff(event, 'billing:write');
		return answerForm(event.request, actForm, ({ id }) => act(event, { kind: 'retry', id }));
	},
	void: (event) => {
		requireStaff(event, 'billing:write');
		requireStepUp(event);
		return answerForm(event.request, confirmedForm, (input) => named(event, 'void', input));
	},
	markPaid: (event) => {
		requireStaff(event, 'billing:write');
		requireStepUp(event);
		return answerForm(event.request, confirmedForm, (input) => named(event, 'mark_paid', input));
	},
	refund: (event) => {
		requireStaff(event, 'billing:refund');
		requireStepUp(event);
		return answerForm(event.request, amountForm, (input) => named(event, 'refund', input));
	},
	creditNote: (event) => {
		requireStaff(event, 'billing:refund');
		requireStepUp(event);
		return answerForm(event.request, amountForm, (input) => named(event, 'credit_note', input));
	},
	again: (event) => {
		const { permissions } = requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({ act: z.uuid() }), async (input) => {
			const asked = await db.invoiceAct.findFirst({
				where: { id: input.act, invoiceId: event.params.id },
				select: { kind: true }
			});
			if (!asked) throw new AppError('NOT_FOUND');
			if (asked.kind !== 'retry') requireStepUp(event);
			if (['refund', 'credit_note'].includes(asked.kind) && !permissions.has('billing:refund'))
				throw new AppError('FORBIDDEN');
			const again = await transaction((tx) => retryInvoiceAct(tx, input.act, by));
			return answerOf(await tryInvoiceAct(again.id));
		});
	}
};

interface Asked {
	kind: InvoiceActKind;
	id?: string;
	reason?: string;
	amount?: number;
}

/** Writes the act down, then tries it at once; what does not succeed now, the job completes. */
async function act(event: RequestEvent, asked: Asked) {
	const by = actorOf(event.locals.auth!);
	const { id } = await transaction((tx) =>
		orderInvoiceAct(tx, { ...asked, invoiceId: event.params.id, by })
	);
	return answerOf(await tryInvoiceAct(id));
}

/** One that asks to type the invoice's number. */
async function named(
	event: RequestEvent,
	kind: InvoiceActKind,
	input: { id?: string; reason: string; confirm: string; amount?: string }
) {
	const invoice = await db.invoice.findUnique({
		where: { id: event.params.id },
		select: { number: true, currency: true }
	});
	if (!invoice) throw new AppError('NOT_FOUND');
	const name = invoice.number ?? '';
	if (input.confirm !== name)
		throw new AppError('BAD_INPUT', { fields: { confirm: m.tenant_confirm_differs({ name }) } });
	const { id, reason } = input;
	if (input.amount === undefined) return act(event, { kind, id, reason });
	const amount = parseAmount(input.amount, invoice.currency);
	if (amount === null)
		throw new AppError('BAD_INPUT', { fields: { amount: m.invoice_amount_unclear() } });
	return act(event, { kind, id, reason, amount });
}
