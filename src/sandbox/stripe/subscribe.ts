import { addInterval, type Account } from './account.ts';
import { redeemOne, type DiscountSource } from './coupons.ts';
import { draftInvoice, finalizeInvoice } from './invoicing.ts';
import { list } from './state.ts';
import type {
	Invoice,
	InvoiceLine,
	Metadata,
	Price,
	Subscription,
	SubscriptionItem
} from './types.ts';

export interface ItemRequest {
	price: Price;
	quantity: number;
	metadata: Metadata;
}

export interface NewSubscription {
	customer: string;
	items: ItemRequest[];
	at: number;
	trial_end: number | null;
	metadata: Metadata;
	description: string | null;
	default_payment_method: string | null;
	missing_payment_method: string;
	collection_method: string;
	discounts: DiscountSource[];
}

/**
 * Starts a subscription with its first invoice, finalised and not yet collected.
 * `customer.subscription.created` waits for {@link announce}: hosted checkout sends it last.
 */
export function startSubscription(
	account: Account,
	request: NewSubscription
): { subscription: Subscription; invoice: Invoice } {
	const { at } = request;
	const id = account.id('sub_1', 23);
	const trialing = request.trial_end !== null && request.trial_end > at;
	const anchor = trialing ? (request.trial_end ?? at) : at;
	const discounts = request.discounts.map(
		(source) => redeemOne(account, source, { customer: request.customer, subscription: id, at }).id
	);
	const subscription = account.add('subscriptions', {
		id,
		object: 'subscription',
		billing_cycle_anchor: anchor,
		cancel_at: null,
		cancel_at_period_end: false,
		canceled_at: null,
		cancellation_details: {
			comment: null,
			feedback: null,
			reason: null,
			...{ feedback_option: null }
		},
		collection_method: request.collection_method,
		created: at,
		currency: request.items[0]?.price.currency ?? 'usd',
		customer: request.customer,
		days_until_due: null,
		default_payment_method: request.default_payment_method,
		description: request.description,
		discounts,
		ended_at: null,
		items: list(
			request.items.map((item) => newItem(account, id, item, at, trialing ? anchor : null)),
			`/v1/subscription_items?subscription=${id}`
		),
		latest_invoice: null,
		metadata: request.metadata,
		pause_collection: null,
		pending_update: null,
		schedule: null,
		start_date: at,
		status: trialing ? 'trialing' : 'incomplete',
		test_clock: account.find('customers', request.customer)?.test_clock ?? null,
		trial_end: trialing ? anchor : null,
		trial_settings: {
			end_behavior: {
				missing_payment_method: request.missing_payment_method,
				...{ billing_cycle_anchor: null }
			}
		},
		trial_start: trialing ? at : null,
		...SUBSCRIPTION_REST
	});
	account.notes(id).unannounced = true;
	const invoice = draftInvoice(account, {
		customer: request.customer,
		subscription,
		lines: subscription.items.data.map((item) => periodLine(account, subscription, item)),
		reason: 'subscription_create',
		currency: subscription.currency,
		at,
		period: { start: at, end: at }
	});
	finalizeInvoice(account, invoice, at);
	return { subscription, invoice };
}

export function announce(account: Account, subscription: Subscription): void {
	account.notes(subscription.id).unannounced = false;
	account.emit('customer.subscription.created', subscription);
}

export function newItem(
	account: Account,
	subscription: string,
	request: ItemRequest,
	at: number,
	trialEnd: number | null
): SubscriptionItem {
	const recurring = request.price.recurring;
	return {
		id: account.id('si_', 14),
		object: 'subscription_item',
		created: at,
		current_period_end:
			trialEnd ?? addInterval(at, recurring?.interval ?? 'month', recurring?.interval_count ?? 1),
		current_period_start: at,
		metadata: request.metadata,
		price: structuredClone(request.price),
		quantity: request.quantity,
		subscription,
		...{
			billing_thresholds: null,
			current_trial: null,
			discounts: [],
			plan: planOf(request.price),
			tax_rates: []
		}
	};
}

/** The line for an item's running period; 0 while it is tried. */
export function periodLine(
	account: Account,
	subscription: Subscription,
	item: SubscriptionItem
): InvoiceLine {
	const trial = subscription.status === 'trialing';
	const name = account.find('products', item.price.product)?.name ?? item.price.product;
	const { interval, interval_count: count } = item.price.recurring ?? {
		interval: 'month',
		interval_count: 1
	};
	const every = count === 1 ? interval : `${count} ${interval}s`;
	return line(account, subscription, item, {
		amount: trial ? 0 : (item.price.unit_amount ?? 0) * item.quantity,
		description: trial
			? `Trial period for ${name}`
			: `${item.quantity} × ${name} (at ${money(item.price.unit_amount ?? 0, item.price.currency)} / ${every})`,
		period: { start: item.current_period_start, end: item.current_period_end },
		proration: false
	});
}

export function line(
	account: Account,
	subscription: Subscription,
	item: SubscriptionItem,
	given: {
		amount: number;
		description: string;
		period: { start: number; end: number };
		proration: boolean;
	}
): InvoiceLine {
	return {
		id: account.id('il_1', 23),
		object: 'line_item',
		amount: given.amount,
		currency: item.price.currency,
		description: given.description,
		discount_amounts: [],
		invoice: null,
		parent: {
			type: 'subscription_item_details',
			subscription_item_details: {
				proration: given.proration,
				subscription: subscription.id,
				subscription_item: item.id,
				...{
					invoice_item: null,
					proration_details: given.proration ? { credited_items: null } : null
				}
			},
			...{ invoice_item_details: null }
		},
		period: given.period,
		pricing: {
			type: 'price_details',
			price_details: { price: item.price.id, product: item.price.product },
			unit_amount_decimal: item.price.unit_amount_decimal
		},
		quantity: item.quantity,
		subtotal: given.amount,
		...{
			discountable: !given.proration,
			discounts: [],
			livemode: false,
			metadata: { ...subscription.metadata },
			pretax_credit_amounts: [],
			quantity_decimal: String(item.quantity),
			subscription: subscription.id,
			taxes: []
		}
	};
}

// Making one takes longer than a whole call.
const formats = new Map<string, Intl.NumberFormat>();

export function money(amount: number, currency: string): string {
	let format = formats.get(currency);
	if (!format) {
		format = new Intl.NumberFormat('en', { style: 'currency', currency });
		formats.set(currency, format);
	}
	// Currencies without cents are counted in whole units.
	return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

export function planOf(price: Price): object {
	return {
		id: price.id,
		object: 'plan',
		active: price.active,
		amount: price.unit_amount,
		amount_decimal: price.unit_amount_decimal,
		billing_scheme: 'per_unit',
		created: price.created,
		currency: price.currency,
		interval: price.recurring?.interval ?? 'month',
		interval_count: price.recurring?.interval_count ?? 1,
		livemode: false,
		metadata: price.metadata,
		meter: null,
		nickname: price.nickname,
		product: price.product,
		tiers_mode: null,
		transform_usage: null,
		trial_period_days: null,
		usage_type: 'licensed'
	};
}

const SUBSCRIPTION_REST = {
	application: null,
	application_fee_percent: null,
	automatic_tax: { disabled_reason: null, enabled: false, liability: null },
	billing_cycle_anchor_config: null,
	billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
	billing_schedules: [],
	billing_thresholds: null,
	customer_account: null,
	default_source: null,
	default_tax_rates: [],
	invoice_settings: {
		account_tax_ids: null,
		custom_fields: null,
		description: null,
		footer: null,
		issuer: { type: 'self' }
	},
	livemode: false,
	managed_payments: null,
	next_pending_invoice_item_invoice: null,
	on_behalf_of: null,
	payment_settings: {
		payment_method_options: null,
		payment_method_types: null,
		save_default_payment_method: 'off'
	},
	pending_invoice_item_interval: null,
	pending_setup_intent: null,
	transfer_data: null
};
