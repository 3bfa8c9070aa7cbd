import type { Dispute } from './disputes.ts';
import type { Refund } from './refunds.ts';
import type {
	Base,
	Charge,
	Coupon,
	CreditNote,
	Customer,
	Discount,
	Invoice,
	InvoiceLine,
	InvoicePayment,
	List,
	Metadata,
	PaymentIntent,
	PaymentMethod,
	Price,
	Product,
	PromotionCode,
	Subscription
} from './types.ts';

export type SessionLine = Base & {
	amount_total: number;
	amount_subtotal: number;
	currency: string;
	description: string;
	price: Price;
	quantity: number;
};
export type Session = Base & {
	created: number;
	amount_subtotal: number | null;
	amount_total: number | null;
	cancel_url: string | null;
	client_reference_id: string | null;
	currency: string | null;
	customer: string | null;
	customer_details: { email: string | null; name: string | null } | null;
	customer_email: string | null;
	expires_at: number;
	invoice: string | null;
	locale: string | null;
	metadata: Metadata;
	mode: 'payment' | 'setup' | 'subscription';
	payment_intent: string | null;
	payment_status: 'paid' | 'unpaid' | 'no_payment_required';
	setup_intent: string | null;
	status: 'open' | 'complete' | 'expired';
	subscription: string | null;
	success_url: string | null;
	ui_mode: string;
	url: string | null;
	payment_method_collection: string | null;
	payment_method_types: string[];
};
export type SetupIntent = Base & {
	created: number;
	client_secret: string;
	customer: string | null;
	description: string | null;
	last_setup_error: object | null;
	metadata: Metadata;
	next_action: object | null;
	payment_method: string | null;
	status: string;
	usage: string;
};
export type WebhookEndpoint = Base & {
	created: number;
	api_version: string | null;
	description: string | null;
	enabled_events: string[];
	metadata: Metadata;
	status: string;
	url: string;
};
export type PhaseItem = { price: string; quantity: number; metadata: Metadata };
export type Phase = {
	start_date: number;
	end_date: number;
	items: PhaseItem[];
	discounts: { coupon: string | null; discount: string | null; promotion_code: string | null }[];
	proration_behavior: string;
	metadata: Metadata;
	trial_end: number | null;
	currency: string;
};
export type Schedule = Base & {
	created: number;
	canceled_at: number | null;
	completed_at: number | null;
	current_phase: { start_date: number; end_date: number } | null;
	customer: string;
	end_behavior: string;
	metadata: Metadata;
	phases: Phase[];
	released_at: number | null;
	released_subscription: string | null;
	status: 'not_started' | 'active' | 'completed' | 'released' | 'canceled';
	subscription: string | null;
	test_clock: string | null;
};
export type TaxId = Base & {
	created: number;
	country: string | null;
	customer: string;
	type: string;
	value: string;
};
export type TestClock = Base & {
	created: number;
	deletes_after: number;
	frozen_time: number;
	name: string | null;
	status: 'ready' | 'advancing' | 'internal_failure';
	status_details: { advancing?: { target_frozen_time: number } };
};
export type PortalSession = Base & {
	created: number;
	configuration: string;
	customer: string;
	flow: { type: string; subscription: string | null; after: string | null } | null;
	locale: string | null;
	return_url: string | null;
	url: string;
};
export type PortalConfiguration = Base & {
	created: number;
	updated: number;
	active: boolean;
	business_profile: Record<string, string | null>;
	default_return_url: string | null;
	features: Record<string, Record<string, unknown>>;
	is_default: boolean;
	metadata: Metadata;
	name: string | null;
};

export type Tables = {
	products: Product;
	prices: Price;
	customers: Customer;
	payment_methods: PaymentMethod;
	sessions: Session;
	subscriptions: Subscription;
	invoices: Invoice;
	invoice_payments: InvoicePayment;
	payment_intents: PaymentIntent;
	charges: Charge;
	refunds: Refund;
	credit_notes: CreditNote;
	disputes: Dispute;
	coupons: Coupon;
	promotion_codes: PromotionCode;
	discounts: Discount;
	setup_intents: SetupIntent;
	schedules: Schedule;
	tax_ids: TaxId;
	test_clocks: TestClock;
	webhook_endpoints: WebhookEndpoint;
	portal_sessions: PortalSession;
	portal_configurations: PortalConfiguration;
};
export type TableName = keyof Tables;

/** How the noun is called in `No such …` messages. */
export const NOUNS: Record<TableName, string> = {
	products: 'product',
	prices: 'price',
	customers: 'customer',
	payment_methods: 'PaymentMethod',
	sessions: 'checkout.session',
	subscriptions: 'subscription',
	invoices: 'invoice',
	invoice_payments: 'invoice_payment',
	payment_intents: 'payment_intent',
	charges: 'charge',
	refunds: 'refund',
	credit_notes: 'credit_note',
	disputes: 'dispute',
	coupons: 'coupon',
	promotion_codes: 'promotion code',
	discounts: 'discount',
	setup_intents: 'setupintent',
	schedules: 'subscription schedule',
	tax_ids: 'tax id',
	test_clocks: 'test clock',
	webhook_endpoints: 'webhook endpoint',
	portal_sessions: 'billing portal session',
	portal_configurations: 'configuration'
};

/** What a session is to create once it completes; not part of the session's public shape. */
export type SessionPlan = {
	lines: SessionLine[];
	metadata: Metadata;
	description: string | null;
	trial_end: number | null;
	trial_days: number | null;
	discounts: string[];
	allow_promotion_codes: boolean;
	missing_payment_method: string;
	payment_metadata: Metadata;
};
/** What a payment method does when it is charged. */
export type Behaviour = { number: string; authenticated: boolean };
/** The stand-in's own memory about a subscription. */
export type Notes = {
	trial_notified?: boolean;
	/** `customer.subscription.created` has not gone out yet. */
	unannounced?: boolean;
	upcoming_notified?: number;
	pending_lines: InvoiceLine[];
};
export type Settings = {
	/** Outcomes of the next refunds, in order; then `succeeded`. */
	next_refunds: ('pending' | 'succeeded' | 'failed' | 'requires_action')[];
	/** What becomes of a subscription whose retries are used up. */
	after_retries: 'canceled' | 'unpaid' | 'past_due';
};

export type State = {
	tables: { [K in TableName]: Record<string, Tables[K]> };
	plans: Record<string, SessionPlan>;
	behaviours: Record<string, Behaviour>;
	notes: Record<string, Notes>;
	secrets: Record<string, string>;
	settings: Settings;
	blocked_emails: string[];
};

export function emptyState(): State {
	return {
		tables: {
			products: {},
			prices: {},
			customers: {},
			payment_methods: {},
			sessions: {},
			subscriptions: {},
			invoices: {},
			invoice_payments: {},
			payment_intents: {},
			charges: {},
			refunds: {},
			credit_notes: {},
			disputes: {},
			coupons: {},
			promotion_codes: {},
			discounts: {},
			setup_intents: {},
			schedules: {},
			tax_ids: {},
			test_clocks: {},
			webhook_endpoints: {},
			portal_sessions: {},
			portal_configurations: {}
		},
		plans: {},
		behaviours: {},
		notes: {},
		secrets: {},
		settings: { next_refunds: [], after_retries: 'canceled' },
		blocked_emails: []
	};
}

export function list<T>(data: T[], url: string): List<T> {
	return { object: 'list', data, has_more: false, url };
}
