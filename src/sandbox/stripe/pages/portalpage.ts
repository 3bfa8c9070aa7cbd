import type { Route, SandboxRequest, SandboxResponse } from '../../kernel/http.ts';
import type { Account } from '../account.ts';
import { declineOf } from '../cards.ts';
import { Form } from '../form.ts';
import { attach, createMethod } from '../methods.ts';
import type { PortalSession } from '../state.ts';
import { cancelNow } from '../subscriptions.ts';
import type { Subscription } from '../types.ts';
import { updateSubscription } from '../update.ts';
import { cardFields, checkCard, NO_CARD, readCard, testCards } from './cardform.ts';
import { html, type Html } from '../../kernel/html.ts';
import { amount, day, document, redirect } from './html.ts';
import { language, speaker, type Lang, type Say, type TextKey } from './texts.ts';

/** The hosted billing portal: invoices, card, cancellation. */
export function portalPages(account: Account): Route[] {
	const path = '/p/session/:id/:secret';
	const find = (id: string, secret: string): PortalSession | null => {
		const session = account.find('portal_sessions', id);
		return session && account.state.secrets[id] === secret ? session : null;
	};
	return [
		{
			method: 'GET',
			path,
			run: (request, { id = '', secret = '' }) => {
				const session = find(id, secret);
				if (!session) return gone();
				const saved = request.query.has('saved') ? 'card_saved' : null;
				return show(account, session, request, null, saved);
			}
		},
		{
			method: 'POST',
			path,
			ms: 600,
			run: (request, { id = '', secret = '' }) => {
				const session = find(id, secret);
				if (!session) return gone();
				const form = new URLSearchParams(request.body.toString('utf8'));
				const error = act(account, session, form);
				if (error) return show(account, session, request, error, null);
				if (session.flow?.after) return redirect(session.flow.after);
				return redirect(
					`/p/session/${id}/${secret}${form.get('act') === 'card' ? '?saved=1' : ''}`
				);
			}
		}
	];
}

function act(account: Account, session: PortalSession, form: URLSearchParams): TextKey | null {
	const what = form.get('act');
	if (what === 'card') return saveCard(account, session, form);
	const subscription = account.find('subscriptions', form.get('subscription'));
	if (!subscription || subscription.customer !== session.customer) return null;
	if (subscription.ended_at !== null) return null;
	if (what === 'cancel_now') {
		cancelNow(account, subscription, account.now(session.customer), 'cancellation_requested');
	} else {
		const flag = what === 'cancel' ? 'true' : 'false';
		const params = Form.parse([['cancel_at_period_end', flag]]);
		updateSubscription(account, subscription, params, 'allow_incomplete');
	}
	return null;
}

function saveCard(account: Account, session: PortalSession, form: URLSearchParams): TextKey | null {
	const checked = checkCard(readCard(form), account.kernel.clock.now());
	if ('wrong' in checked) return checked.wrong;
	if (declineOf(checked.digits)) return 'generic_decline';
	const method = attach(account, createMethod(account, checked.digits).id, session.customer);
	const customer = account.get('customers', session.customer);
	const before = { ...customer.invoice_settings };
	customer.invoice_settings.default_payment_method = method.id;
	account.emit('customer.updated', customer, { invoice_settings: before });
	for (const subscription of account.all('subscriptions')) {
		if (subscription.customer === customer.id && subscription.ended_at === null) {
			subscription.default_payment_method = method.id;
		}
	}
	return null;
}

function show(
	account: Account,
	session: PortalSession,
	request: SandboxRequest,
	error: TextKey | null,
	notice: TextKey | null
): SandboxResponse {
	const lang = language(session.locale, request.headers['accept-language']);
	const say = speaker(lang);
	const features = account.get('portal_configurations', session.configuration).features;
	const enabled = (name: string): boolean => features[name]?.enabled === true;
	const subscriptions = account
		.all('subscriptions')
		.filter((row) => row.customer === session.customer);
	const only = session.flow?.type;
	const body = html`<main class="one">
		<p>
			${session.return_url ? html`<a href="${session.return_url}">← ${say('back')}</a> ` : ''}<span
				class="tag"
				>${say('test_mode')}</span
			>
		</p>
		<h1>${say('portal')}</h1>
		${error ? html`<p class="error" role="alert">${say(error)}</p>` : ''}
		${notice ? html`<p class="note" role="status">${say(notice)}</p>` : ''}
		${
			only === 'payment_method_update'
				? ''
				: html`<h2>${say('subscriptions')}</h2>
						${subscriptions.length ? '' : html`<p>${say('no_subscriptions')}</p>`}
						${subscriptions.map((row) => oneSubscription(account, row, say, lang, enabled('subscription_cancel'), features.subscription_cancel?.mode === 'immediately'))}`
		}
		${enabled('payment_method_update') || only === 'payment_method_update' ? cardPart(say) : ''}
		${enabled('invoice_history') ? invoicePart(account, session.customer, say, lang) : ''}
	</main>`;
	return document(lang, say('portal'), body);
}

function oneSubscription(
	account: Account,
	row: Subscription,
	say: Say,
	lang: Lang,
	cancels: boolean,
	atOnce: boolean
): Html {
	const names = row.items.data.map(
		(item) =>
			`${account.find('products', item.price.product)?.name ?? ''} ${amount(item.price.unit_amount, row.currency, lang)}`
	);
	const button = row.cancel_at_period_end ? 'resume' : atOnce ? 'cancel_now' : 'cancel_at_end';
	const act = { resume: 'resume', cancel_now: 'cancel_now', cancel_at_end: 'cancel' }[button];
	return html`<div class="row">
		<span
			>${names.join(', ')}<small
				>${row.status}${
					row.cancel_at ? ` · ${say('canceling', { date: day(row.cancel_at, lang) })}` : ''
				}</small
			></span
		>${
			cancels && row.ended_at === null
				? html`<form method="post">
						<input type="hidden" name="subscription" value="${row.id}" /><button
							class="quiet small"
							name="act"
							value="${act}"
						>
							${say(button)}
						</button>
					</form>`
				: ''
		}
	</div>`;
}

function cardPart(say: Say): Html {
	return html`<h2>${say('update_card')}</h2>
		<form method="post">
			<input type="hidden" name="act" value="card" />${cardFields(say, NO_CARD)}<button>
				${say('save_card')}
			</button>
		</form>
		${testCards(say)}`;
}

function invoicePart(account: Account, customer: string, say: Say, lang: Lang): Html {
	const rows = account
		.all('invoices')
		.filter((row) => row.customer === customer && row.status !== 'draft')
		.toReversed();
	if (!rows.length)
		return html`<h2>${say('invoices')}</h2>
			<p>${say('no_invoices')}</p>`;
	return html`<h2>${say('invoices')}</h2>
		<table>
			${rows.map(
				(row) =>
					html`<tr>
						<td>${day(row.created, lang)}</td>
						<td><a href="${row.hosted_invoice_url}">${row.number}</a></td>
						<td>${row.status}</td>
						<td class="n">${amount(row.total, row.currency, lang)}</td>
						<td><a href="${row.invoice_pdf}">PDF</a></td>
					</tr>`
			)}
		</table>`;
}

function gone(): SandboxResponse {
	return document('es', '404', html`<main class="one"><h1>404</h1></main>`, 404);
}
