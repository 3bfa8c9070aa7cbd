import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Account } from './account.ts';
import { paySession, settlePayment, settleSession } from './complete.ts';
import { closeDispute, openDispute } from './disputes.ts';
import { invalid, StripeError } from './errors.ts';
import { saveDefault } from './portal.ts';
import { chargeOf, settleRefund } from './refunds.ts';
import { expireSession } from './sessions.ts';
import type { Settings } from './state.ts';
import type { Deliveries } from './webhooks.ts';

type Body = Record<string, unknown>;

const OUTCOMES = ['pending', 'succeeded', 'failed', 'requires_action'] as const;
const AFTER_RETRIES = ['canceled', 'unpaid', 'past_due'] as const;

/** What a buyer, a bank or the dashboard does, for tests and the console: `/__sandbox/stripe/…`. */
export function stripeControlRoutes(account: Account, deliveries: Deliveries): Route[] {
	const post = (
		path: string,
		run: (body: Body, params: Record<string, string>) => object
	): Route => ({
		method: 'POST',
		path: `/__sandbox/stripe${path}`,
		run: (request, params) => guarded(account, () => run(bodyOf(request), params))
	});
	return [
		post('/checkout/:id/pay', (body, { id = '' }) => {
			const session = account.get('sessions', id);
			const outcome = paySession(account, session, {
				card: digits(text(body, 'card') ?? '4242424242424242'),
				email: text(body, 'email') ?? null,
				name: text(body, 'name') ?? null,
				authenticated: body.authenticate === true
			});
			return { ...outcome, session: session.id, session_status: session.status };
		}),
		post('/checkout/:id/async', (body, { id = '' }) => {
			const session = account.get('sessions', id);
			settleSession(account, session, text(body, 'outcome') !== 'failed');
			return { payment_status: session.payment_status };
		}),
		post('/payment_intents/:id/outcome', (body, { id = '' }) => {
			const intent = account.get('payment_intents', id);
			settlePayment(
				account,
				intent,
				oneOf(body, 'outcome', ['succeeded', 'failed'] as const) === 'succeeded'
			);
			return { status: intent.status };
		}),
		post('/checkout/:id/expire', (_body, { id = '' }) => {
			const session = account.get('sessions', id);
			if (session.status !== 'open') throw invalid(`The session is ${session.status}.`);
			expireSession(account, session);
			return { status: session.status };
		}),
		post('/disputes', (body) => {
			const charge = chargeOf(account, text(body, 'payment_intent'), text(body, 'charge'));
			return openDispute(account, charge, text(body, 'reason'));
		}),
		post('/disputes/:id/close', (body, { id = '' }) =>
			closeDispute(
				account,
				account.get('disputes', id),
				text(body, 'status') === 'won' ? 'won' : 'lost'
			)
		),
		post('/refunds/next', (body) => {
			const { next_refunds } = account.state.settings;
			const outcome = oneOf(body, 'status', OUTCOMES);
			const times = typeof body.times === 'number' ? body.times : 1;
			for (let turn = 0; turn < times; turn += 1) next_refunds.push(outcome);
			return { next_refunds };
		}),
		post('/refunds/:id/outcome', (body, { id = '' }) => {
			const refund = account.get('refunds', id);
			settleRefund(
				account,
				refund,
				oneOf(body, 'status', ['succeeded', 'failed', 'canceled'] as const)
			);
			return refund;
		}),
		post('/events/:id/resend', (body, { id = '' }) => {
			const event = account.log.events[id];
			if (!event) throw invalid(`No such event: ${id}`);
			return { deliveries: deliveries.resend(event, text(body, 'endpoint')) };
		}),
		post('/portal/default', () => saveDefault(account)),
		post('/settings', (body): Settings => {
			const { settings } = account.state;
			if ('after_retries' in body)
				settings.after_retries = oneOf(body, 'after_retries', AFTER_RETRIES);
			return settings;
		}),
		{
			method: 'GET',
			path: '/__sandbox/stripe/deliveries',
			run: () => ({ status: 200, body: { deliveries: account.log.deliveries } })
		}
	];
}

function guarded(account: Account, run: () => object): SandboxResponse {
	try {
		const body = structuredClone(run());
		account.changed();
		return { status: 200, body };
	} catch (error) {
		if (error instanceof StripeError) return error.response('control');
		throw error;
	}
}

/** JSON, or the fields of a form on the console's page. */
function bodyOf(request: SandboxRequest): Body {
	const sent = request.body.toString('utf8');
	if (!sent) return {};
	if (request.headers['content-type']?.includes('form')) {
		return Object.fromEntries(new URLSearchParams(sent));
	}
	const parsed: unknown = JSON.parse(sent);
	if (typeof parsed !== 'object' || parsed === null) throw invalid('A JSON object is expected.');
	return { ...parsed };
}

function text(body: Body, name: string): string | undefined {
	const value = body[name];
	return typeof value === 'string' && value !== '' ? value : undefined;
}

function oneOf<T extends string>(body: Body, name: string, choices: readonly T[]): T {
	const found = choices.find((choice) => choice === body[name]);
	if (!found) throw invalid(`${name} must be one of ${choices.join(', ')}`, name);
	return found;
}

function digits(card: string): string {
	return card === 'bank' ? card : card.replaceAll(/\D/g, '');
}
