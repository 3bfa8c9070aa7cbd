/** The objects as they are stored: the fields that the stand-in works with. The rest of each shape is in its factory. */

export type Metadata = Record<string, string>;
export type Base = { id: string; object: string };
export type List<T> = { object: 'list'; data: T[]; has_more: boolean; url: string };
export type Address = Record<
	'city' | 'country' | 'line1' | 'line2' | 'postal_code' | 'state',
	string | null
>;
export type Interval = 'day' | 'week' | 'month' | 'year';

export type Product = Base & {
	created: number;
	updated: number;
	active: boolean;
	name: string;
	description: string | null;
	default_price: string | null;
	metadata: Metadata;
};
export type Price = Base & {
	created: number;
	active: boolean;
	currency: string;
	unit_amount: number | null;
	unit_amount_decimal: string | null;
	recurring: { interval: Interval; interval_count: number } | null;
	product: string;
	lookup_key: string | null;
	nickname: string | null;
	metadata: Metadata;
	type: 'one_time' | 'recurring';
};
export type Customer = Base & {
	created: number;
	email: string | null;
	name: string | null;
	phone: string | null;
	address: Address | null;
	description: string | null;
	balance: number;
	currency: string | null;
	delinquent: boolean;
	invoice_prefix: string;
	next_invoice_sequence: number;
	invoice_settings: { default_payment_method: string | null };
	preferred_locales: string[];
	tax_exempt: string;
	metadata: Metadata;
	test_clock: string | null;
};
export type Card = {
	brand: string;
	last4: string;
	exp_month: number;
	exp_year: number;
	funding: string;
};
export type PaymentMethod = Base & {
	created: number;
	type: string;
	customer: string | null;
	card?: Card;
	billing_details: {
		email: string | null;
		name: string | null;
		phone: string | null;
		address: Address;
	};
	metadata: Metadata;
};
export type SubscriptionItem = Base & {
	created: number;
	current_period_start: number;
	current_period_end: number;
	price: Price;
	quantity: number;
	subscription: string;
	metadata: Metadata;
};
export type SubscriptionStatus =
	| 'incomplete'
	| 'incomplete_expired'
	| 'trialing'
	| 'active'
	| 'past_due'
	| 'canceled'
	| 'unpaid'
	| 'paused';
export type PendingUpdate = {
	billing_cycle_anchor: number | null;
	expires_at: number;
	subscription_items: SubscriptionItem[] | null;
	trial_end: number | null;
};
export type Subscription = Base & {
	created: number;
	customer: string;
	status: SubscriptionStatus;
	currency: string;
	items: List<SubscriptionItem>;
	billing_cycle_anchor: number;
	cancel_at: number | null;
	cancel_at_period_end: boolean;
	canceled_at: number | null;
	ended_at: number | null;
	start_date: number;
	cancellation_details: { comment: string | null; feedback: string | null; reason: string | null };
	collection_method: string;
	days_until_due: number | null;
	default_payment_method: string | null;
	description: string | null;
	discounts: string[];
	latest_invoice: string | null;
	metadata: Metadata;
	pause_collection: { behavior: string; resumes_at: number | null } | null;
	pending_update: PendingUpdate | null;
	schedule: string | null;
	test_clock: string | null;
	trial_start: number | null;
	trial_end: number | null;
	trial_settings: { end_behavior: { missing_payment_method: string } };
};
export type InvoiceLine = Base & {
	amount: number;
	subtotal: number;
	currency: string;
	description: string | null;
	discount_amounts: { amount: number; discount: string }[];
	invoice: string | null;
	period: { start: number; end: number };
	quantity: number | null;
	pricing: {
		type: 'price_details';
		price_details: { price: string; product: string };
		unit_amount_decimal: string | null;
	} | null;
	parent: {
		type: string;
		subscription_item_details: {
			subscription: string;
			subscription_item: string;
			proration: boolean;
		} | null;
	} | null;
};
export type Invoice = Base & {
	created: number;
	customer: string;
	currency: string;
	status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
	billing_reason: string;
	amount_due: number;
	amount_paid: number;
	amount_remaining: number;
	attempt_count: number;
	attempted: boolean;
	auto_advance: boolean;
	automatically_finalizes_at: number | null;
	collection_method: string;
	default_payment_method: string | null;
	due_date: number | null;
	effective_at: number | null;
	ending_balance: number | null;
	starting_balance: number;
	hosted_invoice_url: string | null;
	invoice_pdf: string | null;
	lines: List<InvoiceLine>;
	metadata: Metadata;
	next_payment_attempt: number | null;
	number: string | null;
	parent: {
		type: string;
		subscription_details: { subscription: string; metadata: Metadata } | null;
	} | null;
	post_payment_credit_notes_amount: number;
	pre_payment_credit_notes_amount: number;
	period_start: number;
	period_end: number;
	status_transitions: Record<
		'finalized_at' | 'marked_uncollectible_at' | 'paid_at' | 'voided_at',
		number | null
	>;
	subtotal: number;
	total: number;
	test_clock: string | null;
};
export type InvoicePayment = Base & {
	created: number;
	amount_paid: number | null;
	amount_requested: number;
	currency: string;
	invoice: string;
	is_default: boolean;
	payment: { type: 'payment_intent'; payment_intent: string };
	status: 'open' | 'paid' | 'canceled';
	status_transitions: { canceled_at: number | null; paid_at: number | null };
};
export type CardFailure = {
	code: string;
	decline_code?: string;
	advice_code?: string;
	message: string;
	type: 'card_error';
};
export type PaymentIntent = Base & {
	created: number;
	amount: number;
	amount_received: number;
	canceled_at: number | null;
	cancellation_reason: string | null;
	client_secret: string;
	currency: string;
	customer: string | null;
	description: string | null;
	last_payment_error: CardFailure | null;
	latest_charge: string | null;
	metadata: Metadata;
	next_action: object | null;
	payment_method: string | null;
	status: string;
};
export type Charge = Base & {
	created: number;
	amount: number;
	amount_captured: number;
	amount_refunded: number;
	captured: boolean;
	currency: string;
	customer: string | null;
	disputed: boolean;
	failure_code: string | null;
	failure_message: string | null;
	metadata: Metadata;
	paid: boolean;
	payment_intent: string | null;
	payment_method: string | null;
	refunded: boolean;
	status: 'succeeded' | 'pending' | 'failed';
};
export type CreditNote = Base & {
	created: number;
	amount: number;
	currency: string;
	customer: string;
	invoice: string;
	memo: string | null;
	metadata: Metadata;
	number: string;
	out_of_band_amount: number | null;
	post_payment_amount: number;
	pre_payment_amount: number;
	refunds: {
		type: 'refund';
		refund: string;
		amount_refunded: number;
		payment_record_refund: null;
	}[];
	status: 'issued' | 'void';
	voided_at: number | null;
};
export type Coupon = Base & {
	created: number;
	amount_off: number | null;
	applies_to?: { products: string[] };
	currency: string | null;
	duration: 'once' | 'repeating' | 'forever';
	duration_in_months: number | null;
	max_redemptions: number | null;
	metadata: Metadata;
	name: string | null;
	percent_off: number | null;
	redeem_by: number | null;
	times_redeemed: number;
	valid: boolean;
	deleted?: true;
};
export type PromotionCode = Base & {
	created: number;
	active: boolean;
	code: string;
	customer: string | null;
	expires_at: number | null;
	max_redemptions: number | null;
	metadata: Metadata;
	promotion: { type: 'coupon'; coupon: string };
	times_redeemed: number;
};
export type Discount = Base & {
	customer: string | null;
	end: number | null;
	promotion_code: string | null;
	source: { type: 'coupon'; coupon: string };
	start: number;
	subscription: string | null;
};
