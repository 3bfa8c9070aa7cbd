import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { invalid, missing } from './errors.ts';
import type { Form } from './form.ts';
import { markPaid, openPayment } from './invoicing.ts';
import { createdIn, matching, page } from './paging.ts';
import { createRefund } from './refunds.ts';
import { list } from './state.ts';
import { money } from './subscribe.ts';
import type { Charge, CreditNote, Invoice } from './types.ts';

const REASONS = ['duplicate', 'fraudulent', 'order_change', 'product_unsatisfactory'] as const;

export const creditNotes: Operation[] = [
	{
		method: 'POST',
		path: '/v1/credit_notes',
		ms: 900,
		run: ({ account, params }) => issue(account, params)
	},
	{
		method: 'GET',
		path: '/v1/credit_notes',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('credit_notes'), ['invoice', 'customer']);
			return page(params, rows.filter(createdIn(params)), '/v1/credit_notes');
		}
	},
	{
		method: 'GET',
		path: '/v1/credit_notes/preview',
		run: ({ account, params }) => compose(account, params).note
	},
	{
		method: 'GET',
		path: '/v1/credit_notes/:id',
		run: ({ account, path }) => account.get('credit_notes', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/credit_notes/:id',
		run: ({ account, params, path }) => {
			const note = account.get('credit_notes', path.id ?? '');
			if (params.has('memo')) note.memo = params.nullable('memo') ?? null;
			note.metadata = params.metadata(note.metadata);
			account.emit('credit_note.updated', note);
			return note;
		}
	},
	{
		method: 'POST',
		path: '/v1/credit_notes/:id/void',
		run: ({ account, path }) => {
			const note = account.get('credit_notes', path.id ?? '');
			const invoice = account.get('invoices', note.invoice);
			if (note.status === 'void') throw invalid('This credit note is already void.');
			if (invoice.status !== 'open') {
				throw invalid(
					`You can only void a credit note of an open invoice; this invoice is ${invoice.status}.`
				);
			}
			note.status = 'void';
			note.voided_at = account.now(note.customer);
			invoice.amount_remaining += note.pre_payment_amount;
			ask(account, invoice);
			invoice.pre_payment_credit_notes_amount -= note.pre_payment_amount;
			account.emit('credit_note.voided', note);
			return note;
		}
	}
];

function issue(account: Account, params: Form): CreditNote {
	const { note, invoice, refundAmount, creditAmount } = compose(account, params);
	if (refundAmount > 0) {
		const refund = createRefund(account, chargeOfInvoice(account, invoice), {
			amount: refundAmount,
			reason: null,
			metadata: {}
		});
		note.refunds.push({
			type: 'refund',
			refund: refund.id,
			amount_refunded: refundAmount,
			payment_record_refund: null
		});
	}
	const customer = account.get('customers', note.customer);
	customer.balance -= creditAmount;
	account.add('credit_notes', note);
	invoice.pre_payment_credit_notes_amount += note.pre_payment_amount;
	invoice.post_payment_credit_notes_amount += note.post_payment_amount;
	invoice.amount_remaining -= note.pre_payment_amount;
	ask(account, invoice);
	account.emit('credit_note.created', note);
	if (note.pre_payment_amount > 0 && invoice.amount_remaining === 0) {
		markPaid(account, invoice, account.now(note.customer), true);
	}
	return note;
}

/** The payment that is still open asks for what remains. */
function ask(account: Account, invoice: Invoice): void {
	const open = openPayment(account, invoice);
	if (!open || invoice.amount_remaining === 0) return;
	open.payment.amount_requested = invoice.amount_remaining;
	open.intent.amount = invoice.amount_remaining;
}

interface Composed {
	note: CreditNote;
	invoice: Invoice;
	refundAmount: number;
	creditAmount: number;
}

/** Checks the amounts: what is not still owed must be refunded, credited or paid out of band, to the cent. */
function compose(account: Account, params: Form): Composed {
	const id = params.required('invoice');
	const invoice = account.get('invoices', id, 'invoice');
	if (invoice.status === 'draft' || invoice.status === 'void') {
		throw invalid(
			`You can only create a credit note for an open, paid or uncollectible invoice. This invoice is ${invoice.status}.`,
			'invoice'
		);
	}
	const lines = (params.list('lines') ?? []).map((line) => noteLine(account, invoice, line));
	const amount = params.integer('amount') ?? lines.reduce((sum, line) => sum + line.amount, 0);
	if (!params.has('amount') && !lines.length) throw missing('amount');
	if (params.has('amount') && lines.length)
		throw invalid('You may only specify one of these parameters: amount, lines.');
	if (amount <= 0) throw invalid('The credit note amount must be positive.', 'amount');
	const links = (params.list('refunds') ?? []).map((entry) => link(account, entry));
	const linked = links.reduce((sum, entry) => sum + entry.amount_refunded, 0);
	const left = creditable(account, invoice) + linked;
	if (amount > left) {
		throw invalid(
			`The credit note amount (${money(amount, invoice.currency)}) is greater than the amount that can be credited on the invoice (${money(left, invoice.currency)}).`,
			'amount'
		);
	}
	const pre = Math.min(amount, invoice.status === 'paid' ? 0 : invoice.amount_remaining);
	const post = amount - pre;
	const refundAmount = params.integer('refund_amount') ?? 0;
	const creditAmount = params.integer('credit_amount') ?? 0;
	const outside = params.integer('out_of_band_amount') ?? 0;
	const back = refundAmount + linked + creditAmount + outside;
	if (back !== post) {
		throw invalid(
			`The sum of credit amount, refund amount and out of band amount (${money(back, invoice.currency)}) must equal the post payment credit note amount (${money(post, invoice.currency)}).`
		);
	}
	const noteId = account.id('cn_1', 23);
	const number = `${invoice.number}-CN-${String(notesOf(account, invoice).length + 1).padStart(2, '0')}`;
	const note: CreditNote = {
		id: noteId,
		object: 'credit_note',
		amount,
		created: account.now(invoice.customer),
		currency: invoice.currency,
		customer: invoice.customer,
		invoice: invoice.id,
		memo: params.nullable('memo') ?? null,
		metadata: params.metadata(),
		number,
		out_of_band_amount: outside || null,
		post_payment_amount: post,
		pre_payment_amount: pre,
		refunds: links,
		status: 'issued',
		voided_at: null,
		...rest(account, params, noteId, amount, pre, post, creditAmount, lines)
	};
	return { note, invoice, refundAmount, creditAmount };
}

function rest(
	account: Account,
	params: Form,
	id: string,
	amount: number,
	pre: number,
	post: number,
	creditAmount: number,
	lines: object[]
): object {
	return {
		amount_shipping: 0,
		customer_account: null,
		customer_balance_transaction: creditAmount ? account.id('cbtxn_1', 23) : null,
		discount_amount: 0,
		discount_amounts: [],
		effective_at: params.integer('effective_at') ?? account.now(),
		lines: list(lines, `/v1/credit_notes/${id}/lines`),
		livemode: false,
		pdf: `${account.url}/cn/${id}/pdf`,
		pretax_credit_amounts: [],
		reason: params.choice('reason', REASONS) ?? null,
		shipping_cost: null,
		subtotal: amount,
		subtotal_excluding_tax: amount,
		total: amount,
		total_excluding_tax: amount,
		total_taxes: [],
		type: pre && post ? 'mixed' : pre ? 'pre_payment' : 'post_payment'
	};
}

function noteLine(account: Account, invoice: Invoice, line: Form) {
	const type = line.choice('type', ['invoice_line_item', 'custom_line_item']);
	if (!type) throw missing(line.param('type'));
	const source = invoice.lines.data.find((entry) => entry.id === line.text('invoice_line_item'));
	if (type === 'invoice_line_item' && !source) {
		throw invalid(
			'No such invoice line item.',
			line.param('invoice_line_item'),
			'resource_missing'
		);
	}
	const quantity = line.integer('quantity') ?? 1;
	const unit =
		line.integer('unit_amount') ?? Math.round((source?.amount ?? 0) / (source?.quantity ?? 1));
	const amount = line.integer('amount') ?? unit * quantity;
	return {
		id: account.id('cnli_1', 23),
		object: 'credit_note_line_item',
		amount,
		description: line.nullable('description') ?? source?.description ?? null,
		discount_amount: 0,
		discount_amounts: [],
		...(source ? { invoice_line_item: source.id } : {}),
		livemode: false,
		metadata: {},
		pretax_credit_amounts: [],
		quantity,
		tax_rates: [],
		taxes: [],
		type,
		unit_amount: unit,
		unit_amount_decimal: String(unit)
	};
}

function link(account: Account, entry: Form): CreditNote['refunds'][number] {
	const refund = account.get('refunds', entry.required('refund'), entry.param('refund'));
	return {
		type: 'refund',
		refund: refund.id,
		amount_refunded: entry.integer('amount_refunded') ?? refund.amount,
		payment_record_refund: null
	};
}

/** What is not yet credited; refunds made beside credit notes have taken their part already. */
function creditable(account: Account, invoice: Invoice): number {
	const notes = notesOf(account, invoice);
	const credited = notes.reduce((sum, note) => sum + note.amount, 0);
	const linked = new Set(notes.flatMap((note) => note.refunds.map((entry) => entry.refund)));
	const charge = paidCharge(account, invoice);
	const beside = account
		.all('refunds')
		.filter((row) => charge && row.charge === charge.id && !linked.has(row.id))
		.filter((row) => row.status !== 'failed' && row.status !== 'canceled')
		.reduce((sum, row) => sum + row.amount, 0);
	return invoice.total - credited - beside;
}

function notesOf(account: Account, invoice: Invoice): CreditNote[] {
	return account
		.all('credit_notes')
		.filter((note) => note.invoice === invoice.id && note.status !== 'void');
}

function paidCharge(account: Account, invoice: Invoice): Charge | undefined {
	const payment = account
		.all('invoice_payments')
		.find((row) => row.invoice === invoice.id && row.status === 'paid');
	const intent = account.find('payment_intents', payment?.payment.payment_intent);
	return account.find('charges', intent?.latest_charge);
}

function chargeOfInvoice(account: Account, invoice: Invoice): Charge {
	const charge = paidCharge(account, invoice);
	if (!charge)
		throw invalid('This invoice has no payment that could be refunded.', 'refund_amount');
	return charge;
}
