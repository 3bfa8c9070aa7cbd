import { m } from '#i18n/paraglide/messages.js';

export type Params = Record<string, string | number>;
/** Absent: that of the request. */
type Language = { locale?: 'es' | 'en' };
interface Entry {
	status: number;
	message: (params: Params, options?: Language) => string;
}

/** A code, its HTTP status and the sentence that a person reads. One table; nothing else maps codes. */
const ERRORS = {
	BAD_INPUT: { status: 400, message: (_, o) => m.error_bad_input({}, o) },
	NOT_LOGGED_IN: { status: 401, message: (_, o) => m.error_not_logged_in({}, o) },
	BAD_CREDENTIALS: { status: 401, message: (_, o) => m.error_bad_credentials({}, o) },
	SECOND_FACTOR_NEEDED: { status: 401, message: (_, o) => m.error_second_factor_needed({}, o) },
	BAD_SECOND_FACTOR: { status: 401, message: (_, o) => m.error_bad_second_factor({}, o) },
	FORBIDDEN: { status: 403, message: (_, o) => m.error_forbidden({}, o) },
	BAD_ORIGIN: { status: 403, message: (_, o) => m.error_bad_origin({}, o) },
	STEP_UP_NEEDED: { status: 403, message: (_, o) => m.error_step_up_needed({}, o) },
	CUSTOMER_SWITCHED: { status: 409, message: (_, o) => m.error_customer_switched({}, o) },
	NOT_FOUND: { status: 404, message: (_, o) => m.error_not_found({}, o) },
	TENANT_NOT_FOUND: {
		status: 404,
		message: (p, o) => m.error_tenant_not_found({ id: String(p.id ?? '') }, o)
	},
	EVENT_DONE: { status: 409, message: (_, o) => m.error_event_done({}, o) },
	PLAN_NOT_FOUND: { status: 404, message: (_, o) => m.error_plan_not_found({}, o) },
	PLAN_NOT_PURCHASABLE: { status: 409, message: (_, o) => m.error_plan_not_purchasable({}, o) },
	DOMAIN_INVALID: {
		status: 400,
		message: (p, o) =>
			m.error_domain_invalid({ domain: String(p.domain ?? ''), reason: String(p.reason ?? '') }, o)
	},
	DOMAIN_EXISTS: {
		status: 409,
		message: (p, o) => m.error_domain_exists({ domain: String(p.domain ?? '') }, o)
	},
	DOMAIN_NOT_FOUND: {
		status: 404,
		message: (p, o) => m.error_domain_not_found({ domain: String(p.domain ?? '') }, o)
	},
	DOMAIN_NOT_ACTIVE: {
		status: 409,
		message: (p, o) => m.error_domain_not_active({ domain: String(p.domain ?? '') }, o)
	},
	DOMAIN_REDIRECTS: {
		status: 409,
		message: (p, o) => m.error_domain_redirects({ domain: String(p.domain ?? '') }, o)
	},
	TENANT_GONE: { status: 409, message: (_, o) => m.error_tenant_gone({}, o) },
	LINK_EXPIRED: { status: 410, message: (_, o) => m.error_link_expired({}, o) },
	NAME_TAKEN: { status: 409, message: (_, o) => m.error_name_taken({}, o) },
	NAME_RESERVED: { status: 409, message: (_, o) => m.error_name_reserved({}, o) },
	TOO_MANY_RESERVATIONS: { status: 429, message: (_, o) => m.error_too_many_reservations({}, o) },
	WRONG_STATE: {
		status: 409,
		message: (p, o) =>
			m.error_wrong_state({ from: String(p.from ?? ''), to: String(p.to ?? '') }, o)
	},
	CHANGED_MEANWHILE: { status: 409, message: (_, o) => m.error_changed_meanwhile({}, o) },
	PAYMENT_ON_ITS_WAY: { status: 409, message: (_, o) => m.error_payment_on_its_way({}, o) },
	LAST_OWNER: { status: 409, message: (_, o) => m.error_last_owner({}, o) },
	STILL_ALIVE: {
		status: 409,
		message: (p, o) => m.error_still_alive({ what: String(p.what ?? '') }, o)
	},
	ALREADY_REVEALED: { status: 409, message: (_, o) => m.error_already_revealed({}, o) },
	ALREADY_RUNNING: { status: 409, message: (_, o) => m.error_already_running({}, o) },
	LIMIT_REACHED: {
		status: 409,
		message: (p, o) =>
			m.error_limit_reached(
				{
					resource: String(p.resource ?? ''),
					used: String(p.used ?? ''),
					limit: String(p.limit ?? '')
				},
				o
			)
	},
	CONTAINER_ACT_REFUSED: {
		status: 409,
		message: (p, o) => m.error_container_act_refused({ reason: String(p.reason ?? '') }, o)
	},
	MOVE_REFUSED: {
		status: 409,
		message: (p, o) => m.error_move_refused({ reason: String(p.reason ?? '') }, o)
	},
	COPY_DIFFERS: { status: 409, message: (_, o) => m.error_copy_differs({}, o) },
	ADDONS_MISSING: {
		status: 409,
		message: (p, o) => m.error_addons_missing({ modules: String(p.modules ?? '') }, o)
	},
	ODOO_IS_SUPERUSER: {
		status: 409,
		message: (p, o) => m.error_odoo_is_superuser({ place: String(p.place ?? '') }, o)
	},
	MOVE_STOPPED: { status: 409, message: (_, o) => m.error_move_stopped({}, o) },
	NO_ROOM_TO_GROW: { status: 409, message: (_, o) => m.error_no_room_to_grow({}, o) },
	IS_MOVING: { status: 409, message: (_, o) => m.error_is_moving({}, o) },
	NOT_ON_NODE: {
		status: 409,
		message: (p, o) => m.error_not_on_node({ node: String(p.node ?? '') }, o)
	},
	NODE_IS_DRAINED: { status: 409, message: (_, o) => m.error_node_is_drained({}, o) },
	NOTHING_TO_DRAIN: { status: 409, message: (_, o) => m.error_nothing_to_drain({}, o) },
	BY_HAND: { status: 409, message: (_, o) => m.error_by_hand({}, o) },
	NO_CAPACITY: { status: 409, message: (_, o) => m.error_no_capacity({}, o) },
	NO_CHANGE: { status: 409, message: (_, o) => m.error_no_change({}, o) },
	CHANGE_PENDING: { status: 409, message: (_, o) => m.error_change_pending({}, o) },
	PAY_FIRST: { status: 409, message: (_, o) => m.error_pay_first({}, o) },
	RESUME_FIRST: { status: 409, message: (_, o) => m.error_resume_first({}, o) },
	NO_CARD: { status: 409, message: (_, o) => m.error_no_card({}, o) },
	PAYMENT_DECLINED: {
		status: 402,
		message: (p, o) => m.error_payment_declined({ reason: String(p.reason ?? '') }, o)
	},
	PAYMENT_EXPIRED: { status: 409, message: (_, o) => m.error_payment_expired({}, o) },
	NOT_BILLED_BY_STRIPE: { status: 409, message: (_, o) => m.error_not_billed_by_stripe({}, o) },
	COUPON_NOT_FOUND: { status: 404, message: (_, o) => m.error_coupon_not_found({}, o) },
	INVOICE_NOT_OPEN: { status: 409, message: (_, o) => m.error_invoice_not_open({}, o) },
	INVOICE_NOT_PAID: { status: 409, message: (_, o) => m.error_invoice_not_paid({}, o) },
	INVOICE_NOTHING_LEFT: { status: 409, message: (_, o) => m.error_invoice_nothing_left({}, o) },
	TWO_PEOPLE_NEEDED: { status: 403, message: (_, o) => m.error_two_people_needed({}, o) },
	NOT_OWED: { status: 409, message: (_, o) => m.error_not_owed({}, o) },
	PAID_THROUGH: {
		status: 409,
		message: (p, o) => m.error_paid_through({ date: String(p.date ?? '') }, o)
	},
	NO_RETRY_LEFT: { status: 409, message: (_, o) => m.error_no_retry_left({}, o) },
	IDEMPOTENCY_CONFLICT: { status: 409, message: (_, o) => m.error_idempotency_conflict({}, o) },
	TOO_LARGE: { status: 413, message: (_, o) => m.error_too_large({}, o) },
	RATE_LIMITED: {
		status: 429,
		message: (p, o) => m.error_rate_limited({ seconds: String(p.seconds ?? 60) }, o)
	},
	VENDOR_UNAVAILABLE: {
		status: 503,
		message: (p, o) => m.error_vendor_unavailable({ vendor: String(p.vendor ?? '') }, o)
	},
	VENDOR_BUSY: {
		status: 503,
		message: (p, o) =>
			m.error_vendor_busy({ vendor: String(p.vendor ?? ''), minutes: String(p.minutes ?? 5) }, o)
	},
	NO_QUORUM: { status: 503, message: (_, o) => m.error_no_quorum({}, o) },
	VENDOR_FAILED: {
		status: 502,
		message: (p, o) => m.error_vendor_failed({ vendor: String(p.vendor ?? '') }, o)
	},
	NOT_SEEN: {
		status: 502,
		message: (p, o) => m.error_not_seen({ hostname: String(p.hostname ?? '') }, o)
	},
	PAYMENT_UNAVAILABLE: { status: 503, message: (_, o) => m.error_payment_unavailable({}, o) },
	BUSY: { status: 503, message: (_, o) => m.error_busy({}, o) },
	NOT_READY: { status: 503, message: (_, o) => m.error_not_ready({}, o) },
	INTERNAL: { status: 500, message: (_, o) => m.error_internal({}, o) }
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

/** The sentence for a stored code, in the language of the request or in the one that is asked for. */
export function sentenceOf(code: string, params: Params = {}, options: Language = {}): string {
	return (ERRORS[isErrorCode(code) ? code : 'INTERNAL'] as Entry).message(params, options);
}
