import type { Route, SandboxRequest, SandboxResponse } from '../../kernel/http.ts';
import type { Account } from '../account.ts';
import { needsMethod, paySession, type Buyer, type PayOutcome } from '../complete.ts';
import { runDue } from '../due.ts';
import type { Session } from '../state.ts';
import { cardFields, checkCard, NO_CARD, readCard, testCards, type CardInput } from './cardform.ts';
import { html, type Html } from '../../kernel/html.ts';
import { amount, document, redirect } from './html.ts';
import { applyPromotion } from './promotion.ts';
import { isTextKey, language, speaker, type Lang, type Say, type TextKey } from './texts.ts';

interface Typed {
	card: CardInput;
	email: string;
	method: string;
	promotion: string;
}

const NOTHING: Typed = { card: NO_CARD, email: '', method: 'card', promotion: '' };

/** The hosted payment page: plain forms, no script. */
export function checkoutPages(account: Account): Route[] {
	return [
		{
			method: 'GET',
			path: '/c/pay/:id',
			run: (request, { id = '' }) => {
				runDue(account);
				const session = account.find('sessions', id);
				const lang = language(session?.locale ?? null, request.headers['accept-language']);
				if (!session || session.status !== 'open') return closed(session, lang);
				return payPage(account, session, lang, NOTHING, null);
			}
		},
		{
			method: 'POST',
			path: '/c/pay/:id',
			ms: 900,
			run: (request, { id = '' }) => submit(account, request, id)
		},
		{
			method: 'GET',
			path: '/c/pay/:id/authenticate',
			run: (request, { id = '' }) => {
				const session = account.find('sessions', id);
				const lang = language(session?.locale ?? null, request.headers['accept-language']);
				if (!session || session.status !== 'open' || !waiting(account, id))
					return closed(session, lang);
				return authenticatePage(session, lang);
			}
		},
		{
			method: 'POST',
			path: '/c/pay/:id/authenticate',
			ms: 900,
			run: (request, { id = '' }) => authenticate(account, request, id)
		}
	];
}

function submit(account: Account, request: SandboxRequest, id: string): SandboxResponse {
	runDue(account);
	const session = account.find('sessions', id);
	const lang = language(session?.locale ?? null, request.headers['accept-language']);
	if (!session || session.status !== 'open') return closed(session, lang);
	const form = new URLSearchParams(request.body.toString('utf8'));
	const typed: Typed = {
		card: readCard(form),
		email: form.get('email')?.trim() ?? '',
		method: form.get('method') ?? 'card',
		promotion: form.get('promotion')?.trim() ?? ''
	};
	const again = (key: TextKey) => payPage(account, session, lang, typed, key);
	const email = knownEmail(account, session) ?? typed.email;
	if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) return again('need_email');
	if (typed.promotion && !applyPromotion(account, session, typed.promotion)) {
		return again('promotion_unknown');
	}
	let card: string | null = null;
	if (needsMethod(session)) {
		const checked =
			typed.method === 'bank'
				? { digits: 'bank' }
				: checkCard(typed.card, account.kernel.clock.now());
		if ('wrong' in checked) return again(checked.wrong);
		card = checked.digits;
	}
	const buyer: Buyer = { card, email, name: typed.card.name || null, authenticated: false };
	const outcome = paySession(account, session, buyer);
	if (outcome.status === 'requires_action') {
		account.state.secrets[`3ds:${id}`] = JSON.stringify(buyer);
		account.changed();
		return redirect(`/c/pay/${id}/authenticate`);
	}
	return shown(outcome, session, lang, again);
}

function authenticate(account: Account, request: SandboxRequest, id: string): SandboxResponse {
	runDue(account);
	const session = account.find('sessions', id);
	const lang = language(session?.locale ?? null, request.headers['accept-language']);
	const buyer = waiting(account, id);
	if (!session || session.status !== 'open' || !buyer) return closed(session, lang);
	delete account.state.secrets[`3ds:${id}`];
	const typed = { ...NOTHING, email: buyer.email ?? '' };
	const again = (key: TextKey) => payPage(account, session, lang, typed, key);
	const form = new URLSearchParams(request.body.toString('utf8'));
	if (form.get('outcome') !== 'authorize') return again('failed_auth');
	return shown(
		paySession(account, session, { ...buyer, authenticated: true }),
		session,
		lang,
		again
	);
}

function shown(
	outcome: PayOutcome,
	session: Session,
	lang: Lang,
	again: (key: TextKey) => SandboxResponse
): SandboxResponse {
	if (outcome.status === 'complete') return redirect(successUrl(session));
	if (outcome.status !== 'declined') return closed(session, lang);
	const { decline_code: decline = '', code } = outcome.failure;
	return again(isTextKey(decline) ? decline : isTextKey(code) ? code : 'generic_decline');
}

/** `success_url` with `{CHECKOUT_SESSION_ID}` filled in. */
export function successUrl(session: Session): string {
	return (session.success_url ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}

function waiting(account: Account, id: string): Buyer | null {
	const kept = account.state.secrets[`3ds:${id}`];
	if (!kept) return null;
	const buyer: Buyer = JSON.parse(kept);
	return buyer;
}

function knownEmail(account: Account, session: Session): string | null {
	return account.find('customers', session.customer)?.email ?? session.customer_email;
}

function payPage(
	account: Account,
	session: Session,
	lang: Lang,
	typed: Typed,
	error: TextKey | null
): SandboxResponse {
	const say = speaker(lang);
	const plan = account.state.plans[session.id];
	const lines = plan?.lines ?? [];
	const email = knownEmail(account, session);
	const total = amount(session.amount_total, session.currency, lang);
	const asksMethod = needsMethod(session);
	const title =
		session.mode === 'subscription'
			? say('subscribe_to', { name: lines.map((line) => line.description).join(', ') })
			: say('pay', { amount: total });
	const trial = session.mode === 'subscription' && session.amount_total === 0;
	const button = trial
		? say('start_trial')
		: session.mode === 'subscription'
			? say('subscribe')
			: say('pay', { amount: total });
	const body = html`<div class="split">
		<section class="summary">
			<p>
				${session.cancel_url ? html`<a href="${session.cancel_url}">← ${say('back')}</a> ` : ''}<span
					class="tag"
					>${say('test_mode')}</span
				>
			</p>
			<h1>${title}</h1>
			<div class="total">${total}</div>
			${lines.map(
				(line) =>
					html`<div class="row">
						<span
							>${line.description}${line.quantity > 1 ? ` × ${line.quantity}` : ''}
							<small
								>${amount(line.price.unit_amount, line.currency, lang)}
								${line.price.recurring ? say('every', { interval: say(line.price.recurring.interval) }) : ''}</small
							></span
						>
						<span>${amount(line.amount_total, line.currency, lang)}</span>
					</div>`
			)}
			<div class="row"><strong>${say('total_today')}</strong><strong>${total}</strong></div>
		</section>
		<main>
			${error ? html`<p class="error" role="alert">${say(error)}</p>` : ''}
			<form method="post" action="/c/pay/${session.id}">
				<label for="email">${say('address')}</label>
				<input
					id="email"
					name="email"
					type="email"
					autocomplete="email"
					required
					value="${email ?? typed.email}"
					${email ? html` readonly` : ''}
				/>
				${asksMethod ? methods(session, typed, say) : ''}
				${
					plan?.allow_promotion_codes
						? html`<label for="promotion">${say('promotion')}</label
								><input id="promotion" name="promotion" value="${typed.promotion}" />`
						: ''
				}
				<button type="submit" data-testid="submit">${button}</button>
			</form>
			${asksMethod ? testCards(say) : ''}
		</main>
	</div>`;
	return document(lang, title, body);
}

function methods(session: Session, typed: Typed, say: Say): Html {
	const takes = session.payment_method_types;
	const bank =
		takes.includes('us_bank_account') && (typed.method === 'bank' || !takes.includes('card'));
	const radio = (value: string, chosen: boolean, label: TextKey) =>
		html`<label class="choice"
			><input type="radio" name="method" value="${value}" ${chosen ? html` checked` : ''} />
			${say(label)}</label
		>`;
	return html`<fieldset style="border:0;padding:0;margin:0">
		${takes.includes('card') ? html`${radio('card', !bank, 'card')}${cardFields(say, typed.card)}` : ''}
		${takes.includes('us_bank_account') ? radio('bank', bank, 'bank') : ''}
	</fieldset>`;
}

function authenticatePage(session: Session, lang: Lang): SandboxResponse {
	const say = speaker(lang);
	const total = amount(session.amount_total, session.currency, lang);
	const body = html`<main class="one">
		<p><span class="tag">${say('test_mode')}</span></p>
		<h1>${say('authenticate_title')}</h1>
		<p>${say('authenticate_lead', { amount: total })}</p>
		<form method="post" action="/c/pay/${session.id}/authenticate">
			<button name="outcome" value="authorize">${say('authenticate')}</button>
			<button class="quiet" name="outcome" value="fail">${say('authenticate_fail')}</button>
		</form>
	</main>`;
	return document(lang, say('authenticate_title'), body);
}

function closed(session: Session | undefined, lang: Lang): SandboxResponse {
	const say = speaker(lang);
	const paid = session?.status === 'complete';
	const title = say(paid ? 'complete' : 'closed');
	const link = paid ? successUrl(session) : session?.cancel_url;
	const body = html`<main class="one">
		<p><span class="tag">${say('test_mode')}</span></p>
		<h1>${title}</h1>
		${paid ? '' : html`<p>${say('closed_lead')}</p>`}
		${link ? html`<p><a href="${link}">${say(paid ? 'continue' : 'back')}</a></p>` : ''}
	</main>`;
	return document(lang, title, body, session ? 200 : 404);
}
