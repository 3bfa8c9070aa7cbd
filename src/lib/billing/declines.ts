import { m } from '#i18n/paraglide/messages.js';

/** Why a bank refused, and what whoever pays can do about it. */
interface Words {
	reason: () => string;
	remedy: () => string;
}

const OTHER: Words = { reason: m.decline_other, remedy: m.decline_do_bank };
const LATER = m.decline_do_later;
const CARD = m.decline_do_card;
const FUNDS: Words = { reason: m.decline_insufficient_funds, remedy: m.decline_do_funds };
const EXPIRED: Words = { reason: m.decline_expired_card, remedy: CARD };
const NUMBER: Words = { reason: m.decline_incorrect_number, remedy: m.decline_do_check };
const CONFIRM: Words = { reason: m.decline_authentication, remedy: m.decline_do_authenticate };
const LIMIT: Words = { reason: m.decline_limit, remedy: m.decline_do_funds };
const NOT_ALLOWED: Words = { reason: m.decline_not_allowed, remedy: m.decline_do_bank };

/** The codes of docs.stripe.com/declines/codes that happen. */
const CODES: Record<string, Words | undefined> = {
	insufficient_funds: FUNDS,
	expired_card: EXPIRED,
	invalid_expiry_month: NUMBER,
	invalid_expiry_year: NUMBER,
	incorrect_cvc: { reason: m.decline_incorrect_cvc, remedy: m.decline_do_check },
	invalid_cvc: { reason: m.decline_incorrect_cvc, remedy: m.decline_do_check },
	incorrect_number: NUMBER,
	invalid_number: NUMBER,
	incorrect_zip: NUMBER,
	processing_error: { reason: m.decline_processing_error, remedy: LATER },
	issuer_not_available: { reason: m.decline_issuer_unavailable, remedy: LATER },
	try_again_later: { reason: m.decline_issuer_unavailable, remedy: LATER },
	reenter_transaction: { reason: m.decline_issuer_unavailable, remedy: LATER },
	approve_with_id: { reason: m.decline_issuer_unavailable, remedy: LATER },
	authentication_required: CONFIRM,
	invoice_payment_intent_requires_action: CONFIRM,
	no_payment_method: { reason: m.decline_no_card, remedy: m.decline_do_add_card },
	card_velocity_exceeded: LIMIT,
	withdrawal_count_limit_exceeded: LIMIT,
	card_not_supported: { reason: m.decline_not_supported, remedy: CARD },
	currency_not_supported: { reason: m.decline_currency, remedy: CARD },
	do_not_honor: NOT_ALLOWED,
	transaction_not_allowed: NOT_ALLOWED,
	service_not_allowed: NOT_ALLOWED,
	security_violation: NOT_ALLOWED,
	no_action_taken: NOT_ALLOWED,
	revocation_of_all_authorizations: NOT_ALLOWED,
	call_issuer: NOT_ALLOWED,
	invalid_account: { reason: m.decline_invalid_account, remedy: CARD },
	new_account_information_available: { reason: m.decline_invalid_account, remedy: CARD },
	lost_card: { reason: m.decline_lost, remedy: CARD },
	stolen_card: { reason: m.decline_stolen, remedy: CARD },
	pickup_card: { reason: m.decline_pickup, remedy: CARD },
	restricted_card: { reason: m.decline_pickup, remedy: CARD },
	fraudulent: { reason: m.decline_fraudulent, remedy: CARD },
	merchant_blacklist: { reason: m.decline_fraudulent, remedy: CARD },
	payment_intent_payment_attempt_failed: OTHER,
	generic_decline: OTHER,
	card_declined: OTHER
};

/** Of these the bank asks not to tell whoever holds the card (docs.stripe.com/declines/codes). */
const NOT_TOLD = new Set([
	'lost_card',
	'stolen_card',
	'pickup_card',
	'restricted_card',
	'fraudulent',
	'merchant_blacklist'
]);

/**
 * Why a payment was declined, in a sentence.
 * @param code Stripe's decline code, or its error code where the bank gave none
 * @param to staff read the bank's word; to a customer some reasons are only "the bank said no"
 */
export function declineReason(code: string | null, to: 'staff' | 'customer' = 'customer'): string {
	if (!code || (to === 'customer' && NOT_TOLD.has(code))) return OTHER.reason();
	return (CODES[code] ?? OTHER).reason();
}

/**
 * What the customer can do about it.
 * @param advice Stripe's `advice_code`: it knows better than the reason whether trying again can help
 */
export function declineRemedy(code: string | null, advice: string | null = null): string {
	if (advice === 'confirm_card_data') return m.decline_do_check();
	if (advice === 'do_not_try_again') return CARD();
	return (code ? (CODES[code] ?? OTHER) : OTHER).remedy();
}
