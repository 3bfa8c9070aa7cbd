import type { Account } from './account.ts';
import type { Call, Operation } from './api.ts';
import { priceOf } from './catalog.ts';
import { sourceOf, couponValue } from './coupons.ts';
import { invalid, missing } from './errors.ts';
import type { Form } from './form.ts';
import { createdIn, matching, page } from './paging.ts';
import { expireSession, newSession } from './sessions.ts';
import type { Session, SessionLine, SessionPlan } from './state.ts';

const MODES = ['payment', 'setup', 'subscription'] as const;
const UI_MODES = ['hosted_page', 'embedded_page', 'elements', 'form'] as const;
const SUBSCRIPTION_DATA =
	'application_fee_percent billing_cycle_anchor billing_mode default_tax_rates description invoice_settings metadata on_behalf_of pending_invoice_item_interval proration_behavior transfer_data trial_end trial_period_days trial_settings'.split(
		' '
	);
const LINE =
	'adjustable_quantity dynamic_tax_rates metadata price price_data quantity tax_rates'.split(' ');
const MINUTE = 60;

export const checkout: Operation[] = [
	{ method: 'POST', path: '/v1/checkout/sessions', ms: 700, run: create },
	{
		method: 'GET',
		path: '/v1/checkout/sessions',
		run: ({ account, params }) => {
			const email = params.object('customer_details')?.text('email');
			const rows = matching(params, account.all('sessions'), [
				'customer',
				'subscription',
				'status',
				'payment_intent'
			])
				.filter(createdIn(params))
				.filter((row) => !email || row.customer_details?.email === email);
			return page(params, rows, '/v1/checkout/sessions');
		}
	},
	{
		method: 'GET',
		path: '/v1/checkout/sessions/:id',
		run: ({ account, path }) => account.get('sessions', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/checkout/sessions/:id/expire',
		run: ({ account, path }) => {
			const session = account.get('sessions', path.id ?? '');
			if (session.status !== 'open') {
				throw invalid(
					`Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`
				);
			}
			expireSession(account, session);
			return session;
		}
	},
	{
		method: 'GET',
		path: '/v1/checkout/sessions/:id/line_items',
		run: ({ account, params, path }) => {
			const session = account.get('sessions', path.id ?? '');
			const lines = account.state.plans[session.id]?.lines ?? [];
			return page(params, lines.toReversed(), `/v1/checkout/sessions/${session.id}/line_items`);
		}
	}
];

function create({ account, params }: Call): Session {
	const mode = params.choice('mode', MODES) ?? 'payment';
	const ui = params.choice('ui_mode', UI_MODES) ?? 'hosted_page';
	if (ui === 'hosted_page') address(params, 'success_url', true);
	else address(params, 'return_url', true);
	address(params, 'cancel_url', false);
	const customer = params.text('customer') || null;
	const email = params.text('customer_email') || null;
	if (customer && email) {
		throw invalid(
			'You may only specify one of these parameters: customer, customer_email.',
			'customer'
		);
	}
	if (customer) account.get('customers', customer, 'customer');
	if (email && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) {
		throw invalid(`Invalid email address: ${email}`, 'customer_email', 'email_invalid');
	}
	const reference = params.text('client_reference_id');
	if (reference && reference.length > 200) {
		throw invalid('client_reference_id is at most 200 characters.', 'client_reference_id');
	}
	const plan = readPlan(account, params, mode);
	const subtotal = plan.lines.reduce((sum, line) => sum + line.amount_subtotal, 0);
	const total = plan.lines.reduce((sum, line) => sum + line.amount_total, 0);
	const session = newSession(account, params, {
		mode,
		ui,
		customer,
		email,
		expires_at: expiry(account, params),
		subtotal: mode === 'setup' ? null : subtotal,
		total: mode === 'setup' ? null : total,
		currency: plan.lines[0]?.currency ?? params.text('currency') ?? null
	});
	account.state.plans[session.id] = plan;
	return session;
}

/** `expires_at` lies 30 minutes to 24 hours ahead. */
function expiry(account: Account, params: Form): number {
	const now = account.now();
	const at = params.integer('expires_at');
	if (at === undefined) return now + 24 * 60 * MINUTE;
	if (at < now + 30 * MINUTE) {
		throw invalid(
			'The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.',
			'expires_at'
		);
	}
	if (at > now + 24 * 60 * MINUTE) {
		throw invalid(
			'The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.',
			'expires_at'
		);
	}
	return at;
}

function readPlan(account: Account, params: Form, mode: (typeof MODES)[number]): SessionPlan {
	const data = params.object('subscription_data');
	data?.only(SUBSCRIPTION_DATA);
	if (data && mode !== 'subscription') {
		throw invalid(
			'You can not pass `subscription_data` in `' + mode + '` mode.',
			'subscription_data'
		);
	}
	const payment = params.object('payment_intent_data');
	if (payment && mode !== 'payment') {
		throw invalid(
			'You can not pass `payment_intent_data` in `' + mode + '` mode.',
			'payment_intent_data'
		);
	}
	const days = data?.integer('trial_period_days') ?? null;
	const end = data?.integer('trial_end') ?? null;
	if (days && end)
		throw invalid(
			'You may only specify one of these parameters: trial_end, trial_period_days.',
			'subscription_data'
		);
	if (end && end < account.now() + 48 * 3600) {
		throw invalid(
			'The `trial_end` date has to be at least 2 days in the future.',
			'subscription_data[trial_end]'
		);
	}
	const entries = params.list('line_items') ?? [];
	if (!entries.length && mode !== 'setup') throw missing('line_items');
	const lines = entries.map((entry) => readLine(account, entry, Boolean(days ?? end)));
	checkKinds(lines, mode);
	const discounts = (params.list('discounts') ?? []).map((entry) => sourceOf(account, entry));
	if (discounts.length && params.flag('allow_promotion_codes')) {
		throw invalid(
			'You may only specify one of these parameters: allow_promotion_codes, discounts.',
			'allow_promotion_codes'
		);
	}
	for (const { coupon } of discounts) {
		for (const line of lines) {
			const off = couponValue(coupon, line.amount_total);
			line.amount_total -= off;
			Object.assign(line, { amount_discount: off });
		}
	}
	return {
		lines,
		metadata: data?.metadata() ?? {},
		description: data?.nullable('description') ?? null,
		trial_end: end,
		trial_days: days,
		discounts: discounts.map((source) => source.promotion?.id ?? source.coupon.id),
		allow_promotion_codes: params.flag('allow_promotion_codes') ?? false,
		missing_payment_method:
			data?.object('trial_settings')?.object('end_behavior')?.text('missing_payment_method') ??
			'create_invoice',
		payment_metadata: payment?.metadata() ?? {}
	};
}

function readLine(account: Account, entry: Form, trial: boolean): SessionLine {
	entry.only(LINE);
	const quantity = entry.integer('quantity') ?? 1;
	if (quantity < 1)
		throw invalid(
			'Invalid quantity: must be at least 1.',
			entry.param('quantity'),
			'parameter_invalid_integer'
		);
	const price = priceOf(account, entry);
	const subtotal = trial && price.recurring ? 0 : (price.unit_amount ?? 0) * quantity;
	const adjustable = entry.object('adjustable_quantity');
	return {
		id: account.id('li_1', 23),
		object: 'item',
		amount_subtotal: subtotal,
		amount_total: subtotal,
		currency: price.currency,
		description: account.find('products', price.product)?.name ?? price.product,
		price: structuredClone(price),
		quantity,
		...{
			adjustable_quantity: adjustable?.flag('enabled')
				? {
						enabled: true,
						maximum: adjustable.integer('maximum') ?? 99,
						minimum: adjustable.integer('minimum') ?? 0
					}
				: null,
			amount_discount: 0,
			amount_tax: 0,
			metadata: entry.metadata()
		}
	};
}

function checkKinds(lines: SessionLine[], mode: (typeof MODES)[number]): void {
	const recurring = lines.filter((line) => line.price.type === 'recurring');
	if (mode === 'subscription' && !recurring.length) {
		throw invalid(
			'You must provide at least one recurring price in `subscription` mode when using prices.',
			'line_items'
		);
	}
	if (mode === 'payment' && recurring.length) {
		throw invalid(
			'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
			'mode'
		);
	}
	if (new Set(lines.map((line) => line.currency)).size > 1) {
		throw invalid('All line items must use the same currency.', 'line_items');
	}
}

function address(params: Form, name: string, required: boolean): void {
	const value = required ? params.required(name) : params.text(name);
	if (!value) return;
	if (!URL.canParse(value.replaceAll('{CHECKOUT_SESSION_ID}', 'cs')) || !/^https?:/.test(value)) {
		throw invalid('Not a valid URL', name, 'url_invalid');
	}
}
