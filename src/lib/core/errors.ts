import { m } from '#i18n/paraglide/messages.js';

export type Params = Record<string, string | number>;
interface Entry {
	status: number;
	message: (params: Params) => string;
}

/** A code, its HTTP status and the sentence that a person reads. One table; nothing else maps codes. */
const ERRORS = {
	BAD_INPUT: { status: 400, message: () => m.error_bad_input() },
	NOT_LOGGED_IN: { status: 401, message: () => m.error_not_logged_in() },
	BAD_CREDENTIALS: { status: 401, message: () => m.error_bad_credentials() },
	SECOND_FACTOR_NEEDED: { status: 401, message: () => m.error_second_factor_needed() },
	BAD_SECOND_FACTOR: { status: 401, message: () => m.error_bad_second_factor() },
	FORBIDDEN: { status: 403, message: () => m.error_forbidden() },
	BAD_ORIGIN: { status: 403, message: () => m.error_bad_origin() },
	STEP_UP_NEEDED: { status: 403, message: () => m.error_step_up_needed() },
	CUSTOMER_SWITCHED: { status: 409, message: () => m.error_customer_switched() },
	NOT_FOUND: { status: 404, message: () => m.error_not_found() },
	TENANT_NOT_FOUND: {
		status: 404,
		message: (p) => m.error_tenant_not_found({ id: String(p.id ?? '') })
	},
	EVENT_DONE: { status: 409, message: () => m.error_event_done() },
	PLAN_NOT_FOUND: { status: 404, message: () => m.error_plan_not_found() },
	PLAN_NOT_PURCHASABLE: { status: 409, message: () => m.error_plan_not_purchasable() },
	DOMAIN_INVALID: {
		status: 400,
		message: (p) =>
			m.error_domain_invalid({ domain: String(p.domain ?? ''), reason: String(p.reason ?? '') })
	},
	DOMAIN_EXISTS: {
		status: 409,
		message: (p) => m.error_domain_exists({ domain: String(p.domain ?? '') })
	},
	DOMAIN_NOT_FOUND: {
		status: 404,
		message: (p) => m.error_domain_not_found({ domain: String(p.domain ?? '') })
	},
	DOMAIN_NOT_ACTIVE: {
		status: 409,
		message: (p) => m.error_domain_not_active({ domain: String(p.domain ?? '') })
	},
	DOMAIN_REDIRECTS: {
		status: 409,
		message: (p) => m.error_domain_redirects({ domain: String(p.domain ?? '') })
	},
	TENANT_GONE: { status: 409, message: () => m.error_tenant_gone() },
	LINK_EXPIRED: { status: 410, message: () => m.error_link_expired() },
	NAME_TAKEN: { status: 409, message: () => m.error_name_taken() },
	NAME_RESERVED: { status: 409, message: () => m.error_name_reserved() },
	TOO_MANY_RESERVATIONS: { status: 429, message: () => m.error_too_many_reservations() },
	WRONG_STATE: {
		status: 409,
		message: (p) => m.error_wrong_state({ from: String(p.from ?? ''), to: String(p.to ?? '') })
	},
	CHANGED_MEANWHILE: { status: 409, message: () => m.error_changed_meanwhile() },
	PAYMENT_ON_ITS_WAY: { status: 409, message: () => m.error_payment_on_its_way() },
	LAST_OWNER: { status: 409, message: () => m.error_last_owner() },
	STILL_ALIVE: { status: 409, message: (p) => m.error_still_alive({ what: String(p.what ?? '') }) },
	ALREADY_REVEALED: { status: 409, message: () => m.error_already_revealed() },
	ALREADY_RUNNING: { status: 409, message: () => m.error_already_running() },
	LIMIT_REACHED: {
		status: 409,
		message: (p) =>
			m.error_limit_reached({
				resource: String(p.resource ?? ''),
				used: String(p.used ?? ''),
				limit: String(p.limit ?? '')
			})
	},
	CONTAINER_ACT_REFUSED: {
		status: 409,
		message: (p) => m.error_container_act_refused({ reason: String(p.reason ?? '') })
	},
	MOVE_REFUSED: {
		status: 409,
		message: (p) => m.error_move_refused({ reason: String(p.reason ?? '') })
	},
	COPY_DIFFERS: { status: 409, message: () => m.error_copy_differs() },
	MOVE_STOPPED: { status: 409, message: () => m.error_move_stopped() },
	NO_ROOM_TO_GROW: { status: 409, message: () => m.error_no_room_to_grow() },
	NODE_IS_DRAINED: { status: 409, message: () => m.error_node_is_drained() },
	NOTHING_TO_DRAIN: { status: 409, message: () => m.error_nothing_to_drain() },
	BY_HAND: { status: 409, message: () => m.error_by_hand() },
	NO_CAPACITY: { status: 409, message: () => m.error_no_capacity() },
	NO_CHANGE: { status: 409, message: () => m.error_no_change() },
	CHANGE_PENDING: { status: 409, message: () => m.error_change_pending() },
	PAY_FIRST: { status: 409, message: () => m.error_pay_first() },
	RESUME_FIRST: { status: 409, message: () => m.error_resume_first() },
	NO_CARD: { status: 409, message: () => m.error_no_card() },
	PAYMENT_DECLINED: {
		status: 402,
		message: (p) => m.error_payment_declined({ reason: String(p.reason ?? '') })
	},
	PAYMENT_EXPIRED: { status: 409, message: () => m.error_payment_expired() },
	NOT_BILLED_BY_STRIPE: { status: 409, message: () => m.error_not_billed_by_stripe() },
	COUPON_NOT_FOUND: { status: 404, message: () => m.error_coupon_not_found() },
	INVOICE_NOT_OPEN: { status: 409, message: () => m.error_invoice_not_open() },
	INVOICE_NOT_PAID: { status: 409, message: () => m.error_invoice_not_paid() },
	INVOICE_NOTHING_LEFT: { status: 409, message: () => m.error_invoice_nothing_left() },
	TWO_PEOPLE_NEEDED: { status: 403, message: () => m.error_two_people_needed() },
	NOT_OWED: { status: 409, message: () => m.error_not_owed() },
	PAID_THROUGH: {
		status: 409,
		message: (p) => m.error_paid_through({ date: String(p.date ?? '') })
	},
	NO_RETRY_LEFT: { status: 409, message: () => m.error_no_retry_left() },
	IDEMPOTENCY_CONFLICT: { status: 409, message: () => m.error_idempotency_conflict() },
	TOO_LARGE: { status: 413, message: () => m.error_too_large() },
	RATE_LIMITED: {
		status: 429,
		message: (p) => m.error_rate_limited({ seconds: String(p.seconds ?? 60) })
	},
	VENDOR_UNAVAILABLE: {
		status: 503,
		message: (p) => m.error_vendor_unavailable({ vendor: String(p.vendor ?? '') })
	},
	VENDOR_BUSY: {
		status: 503,
		message: (p) =>
			m.error_vendor_busy({ vendor: String(p.vendor ?? ''), minutes: String(p.minutes ?? 5) })
	},
	VENDOR_FAILED: {
		status: 502,
		message: (p) => m.error_vendor_failed({ vendor: String(p.vendor ?? '') })
	},
	NOT_SEEN: {
		status: 502,
		message: (p) => m.error_not_seen({ hostname: String(p.hostname ?? '') })
	},
	PAYMENT_UNAVAILABLE: { status: 503, message: () => m.error_payment_unavailable() },
	BUSY: { status: 503, message: () => m.error_busy() },
	NOT_READY: { status: 503, message: () => m.error_not_ready() },
	INTERNAL: { status: 500, message: () => m.error_internal() }
} satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof ERRORS;

export interface AppErrorDetails {
	/** Values for the sentence. */
	params?: Params;
	/** Sentences beside fields. */
	fields?: Record<string, string>;
	/** For the log: what happened, in English. */
	detail?: string;
	cause?: unknown;
}

/** A refusal or failure that has a name. What has none becomes INTERNAL with an id at the door. */
export class AppError extends Error {
	override name = 'AppError';
	readonly code: ErrorCode;
	readonly params: Params;
	readonly fields: Record<string, string> | undefined;

	constructor(code: ErrorCode, details: AppErrorDetails = {}) {
		super(details.detail ?? code, { cause: details.cause });
		this.code = code;
		this.params = details.params ?? {};
		this.fields = details.fields;
	}

	/** HTTP status. */
	get status(): number {
		return ERRORS[this.code].status;
	}

	/** The sentence in the language of the request. */
	get sentence(): string {
		return (ERRORS[this.code] as Entry).message(this.params);
	}
}

export function isErrorCode(code: string): code is ErrorCode {
	return Object.hasOwn(ERRORS, code);
}

/** What errors of higher layers may carry: what people are told instead. */
export interface Refusing {
	readonly refusal: AppError;
}

/** The named refusal or failure in an error; null when it has no name. */
export function refusalIn(error: unknown): AppError | null {
	if (error instanceof AppError) return error;
	const carried = error instanceof Error && 'refusal' in error ? error.refusal : null;
	return carried instanceof AppError ? carried : null;
}

/** The sentence for a stored code in the language of the request. */
export function sentenceOf(code: string, params: Params = {}): string {
	return (ERRORS[isErrorCode(code) ? code : 'INTERNAL'] as Entry).message(params);
}
