import type { SandboxResponse } from '../kernel/http.ts';

export type ErrorType = 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';

export interface ErrorDetails {
	code?: string;
	param?: string;
	decline_code?: string;
	advice_code?: string;
	charge?: string;
	payment_intent?: object;
	payment_method?: object;
	doc_url?: string;
}

/** An answer in Stripe's error shape. */
export class StripeError extends Error {
	readonly status: number;
	readonly type: ErrorType;
	readonly details: ErrorDetails;

	constructor(status: number, type: ErrorType, message: string, details: ErrorDetails = {}) {
		super(message);
		this.status = status;
		this.type = type;
		this.details = details;
	}

	response(requestId: string): SandboxResponse {
		const { code } = this.details;
		return {
			status: this.status,
			body: {
				error: {
					...this.details,
					...(code
						? { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` }
						: {}),
					message: this.message,
					request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}`,
					type: this.type
				}
			}
		};
	}
}

/** 400 for what the caller sent. */
export function invalid(message: string, param?: string, code?: string): StripeError {
	return new StripeError(400, 'invalid_request_error', message, {
		...(code ? { code } : {}),
		...(param ? { param } : {})
	});
}

/** 404 on the path's own object, 400 when a parameter names what does not exist. */
export function noSuch(noun: string, id: string, param = 'id'): StripeError {
	return new StripeError(
		param === 'id' ? 404 : 400,
		'invalid_request_error',
		`No such ${noun}: '${id}'`,
		{ code: 'resource_missing', param }
	);
}

export function missing(param: string): StripeError {
	return invalid(`Missing required param: ${param}.`, param, 'parameter_missing');
}
