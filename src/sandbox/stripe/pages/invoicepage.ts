import type { Route, SandboxResponse } from '../../kernel/http.ts';
import type { Account } from '../account.ts';
import { collect } from '../invoicing.ts';
import { attach, createMethod } from '../methods.ts';
import { declineOf } from '../cards.ts';
import type { CreditNote, Invoice } from '../types.ts';
import { cardFields, checkCard, NO_CARD, readCard, testCards } from './cardform.ts';
import { html } from '../../kernel/html.ts';
import { amount, day, document, redirect } from './html.ts';
import { pdf } from './pdf.ts';
import { isTextKey, language, speaker, type Lang, type TextKey } from './texts.ts';

/** The hosted invoice with its PDF, and the credit note's PDF. */
export function invoicePages(account: Account): Route[] {
	const open = (id: string, secret: string): Invoice | null => {
		const invoice = account.find('invoices', id);
		return invoice && account.state.secrets[id] === secret ? invoice : null;
	};
	return [
		{
			method: 'GET',
			path: '/i/:id/:secret',
			run: (request, { id = '', secret = '' }) => {
				const invoice = open(id, secret);
				const lang = language(null, request.headers['accept-language']);
				return invoice ? invoicePage(account, invoice, lang, null) : gone();
			}
		},
		{
			method: 'POST',
			path: '/i/:id/:secret',
			ms: 900,
			run: (request, { id = '', secret = '' }) => {
				const invoice = open(id, secret);
				if (!invoice) return gone();
				const lang = language(null, request.headers['accept-language']);
				const form = new URLSearchParams(request.body.toString('utf8'));
				const error = payInvoice(account, invoice, form);
				return error ? invoicePage(account, invoice, lang, error) : redirect(`/i/${id}/${secret}`);
			}
		},
		{
			method: 'GET',
			path: '/i/:id/:secret/pdf',
			run: (_request, { id = '', secret = '' }) => {
				const invoice = open(id, secret);
				return invoice
					? file(invoicePdf(account, invoice), `Invoice-${invoice.number}.pdf`)
					: gone();
			}
		},
		{
			method: 'GET',
			path: '/cn/:id/pdf',
			run: (_request, { id = '' }) => {
				const note = account.find('credit_notes', id);
				return note ? file(notePdf(note), `CreditNote-${note.number}.pdf`) : gone();
			}
		},
		{
			method: 'GET',
			path: '/receipts/:id',
			run: (request, { id = '' }) => {
				const charge = account.find('charges', id);
				if (!charge) return gone();
				const lang = language(null, request.headers['accept-language']);
				const paid = amount(charge.amount, charge.currency, lang);
				return document(
					lang,
					paid,
					html`<main class="one">
						<h1>${paid}</h1>
						<p>${day(charge.created, lang)} · <code>${charge.id}</code></p>
					</main>`
				);
			}
		}
	];
}

function payInvoice(account: Account, invoice: Invoice, form: URLSearchParams): TextKey | null {
	if (invoice.status !== 'open') return null;
	const checked = checkCard(readCard(form), account.kernel.clock.now());
	if ('wrong' in checked) return checked.wrong;
	if (declineOf(checked.digits)) return 'generic_decline';
	const method = attach(account, createMethod(account, checked.digits).id, invoice.customer);
	const occasion = { offSession: false, authenticated: true, checkout: true };
	const verdict = collect(account, invoice, method.id, occasion, account.now(invoice.customer));
	if (verdict?.result !== 'declined') return null;
	const { code } = verdict.failure;
	return isTextKey(code) ? code : 'generic_decline';
}

function invoicePage(
	account: Account,
	invoice: Invoice,
	lang: Lang,
	error: TextKey | null
): SandboxResponse {
	const say = speaker(lang);
	const title = `${say('invoice')} ${invoice.number ?? ''}`;
	const due = amount(invoice.amount_remaining, invoice.currency, lang);
	const body = html`<main class="one">
		<p><span class="tag">${say('test_mode')}</span></p>
		<h1>${title}</h1>
		<p>
			${day(invoice.created, lang)} · ${account.find('customers', invoice.customer)?.email ?? ''}
		</p>
		<table>
			${invoice.lines.data.map(
				(line) =>
					html`<tr>
						<td>${line.description}</td>
						<td class="n">${amount(line.amount, invoice.currency, lang)}</td>
					</tr>`
			)}
			<tr>
				<th>Total</th>
				<th class="n">${amount(invoice.total, invoice.currency, lang)}</th>
			</tr>
		</table>
		<p><a href="${invoice.invoice_pdf}">${say('download')}</a></p>
		${
			invoice.status === 'open'
				? html`<h2>${say('amount_due')}: ${due}</h2>
						${error ? html`<p class="error" role="alert">${say(error)}</p>` : ''}
						<form method="post">
							${cardFields(say, NO_CARD)}<button>${say('pay', { amount: due })}</button>
						</form>
						${testCards(say)}`
				: html`<p>
						<strong>${invoice.status === 'paid' ? say('all_paid') : invoice.status}</strong>
					</p>`
		}
	</main>`;
	return document(lang, title, body);
}

function invoicePdf(account: Account, invoice: Invoice): Buffer {
	const customer = account.find('customers', invoice.customer);
	const show = (minor: number) => amount(minor, invoice.currency, 'en');
	return pdf([
		`Invoice ${invoice.number ?? ''}`,
		`Date of issue: ${day(invoice.effective_at ?? invoice.created, 'en')}`,
		`Bill to: ${customer?.name ?? ''} <${customer?.email ?? ''}>`,
		'',
		...invoice.lines.data.map((line) => `${line.description ?? ''}: ${show(line.amount)}`),
		'',
		`Subtotal: ${show(invoice.subtotal)}`,
		`Total: ${show(invoice.total)}`,
		`Amount paid: ${show(invoice.amount_paid)}`,
		`Amount due: ${show(invoice.amount_remaining)}`
	]);
}

function notePdf(note: CreditNote): Buffer {
	return pdf([
		`Credit note ${note.number}`,
		`Date of issue: ${day(note.created, 'en')}`,
		`Total: ${amount(note.amount, note.currency, 'en')}`,
		note.memo ?? ''
	]);
}

function file(body: Buffer, name: string): SandboxResponse {
	return {
		status: 200,
		headers: {
			'content-type': 'application/pdf',
			'content-disposition': `attachment; filename="${name}"`
		},
		body
	};
}

function gone(): SandboxResponse {
	return document('es', '404', html`<main class="one"><h1>404</h1></main>`, 404);
}
