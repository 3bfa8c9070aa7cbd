import type { Account } from './account.ts';
import type { Behaviour } from './state.ts';
import type { CardFailure } from './types.ts';

/** Stripe's named test payment methods and the card that each stands for (docs.stripe.com/testing). */
export const NAMED_CARDS: Record<string, string> = {
	pm_card_visa: '4242424242424242',
	pm_card_mastercard: '5555555555554444',
	pm_card_amex: '378282246310005',
	pm_card_visa_chargeDeclined: '4000000000000002',
	pm_card_chargeDeclined: '4000000000000002',
	pm_card_visa_chargeDeclinedInsufficientFunds: '4000000000009995',
	pm_card_chargeDeclinedInsufficientFunds: '4000000000009995',
	pm_card_chargeCustomerFail: '4000000000000341',
	pm_card_authenticationRequired: '4000002760003184',
	pm_card_authenticationRequiredOnSetup: '4000002500003155',
	pm_card_threeDSecureRequired: '4000000000003220',
	pm_card_threeDSecure2Required: '4000000000003220',
	pm_card_createDispute: '4000000000000259',
	pm_card_refundFail: '4000000000005126',
	pm_card_pendingRefund: '4000000000007726',
	pm_usBankAccount: 'bank'
};

const DECLINES: Record<string, Omit<CardFailure, 'type'>> = {
	'4000000000000002': {
		code: 'card_declined',
		decline_code: 'generic_decline',
		advice_code: 'try_again_later',
		message: 'Your card was declined.'
	},
	'4000000000009995': {
		code: 'card_declined',
		decline_code: 'insufficient_funds',
		advice_code: 'try_again_later',
		message: 'Your card has insufficient funds.'
	},
	'4000000000009987': {
		code: 'card_declined',
		decline_code: 'lost_card',
		advice_code: 'do_not_try_again',
		message: 'Your card was declined.'
	},
	'4000000000009979': {
		code: 'card_declined',
		decline_code: 'stolen_card',
		advice_code: 'do_not_try_again',
		message: 'Your card was declined.'
	},
	'4000000000000069': { code: 'expired_card', message: 'Your card has expired.' },
	'4000000000000127': { code: 'incorrect_cvc', message: "Your card's security code is incorrect." },
	'4000000000000119': {
		code: 'processing_error',
		message: 'An error occurred while processing your card. Try again in a little bit.'
	}
};
const AUTHENTICATES_ALWAYS = ['4000002760003184', '4000000000003220'];
const AUTHENTICATES_ONCE = '4000002500003155';
const FAILS_LATER = '4000000000000341';

export type Verdict =
	{ result: 'succeeded' | 'processing' | 'action' } | { result: 'declined'; failure: CardFailure };

export interface Occasion {
	/** The buyer is absent: a card that wants authentication is declined. */
	offSession: boolean;
	/** The buyer has just passed 3-D Secure. */
	authenticated: boolean;
	/** The first payment, on the hosted page. */
	checkout: boolean;
}

export function behaviourOf(account: Account, method: string): Behaviour {
	return account.state.behaviours[method] ?? { number: '4242424242424242', authenticated: false };
}

/** The refusal that a number always meets; null for a card that can be saved. */
export function declineOf(number: string): CardFailure | null {
	const decline = DECLINES[number];
	return decline ? { ...decline, type: 'card_error' } : null;
}

/** What the bank says to a charge. */
export function judge(behaviour: Behaviour, occasion: Occasion): Verdict {
	const { number } = behaviour;
	if (number === 'bank') return { result: 'processing' };
	const refusal = declineOf(number);
	if (refusal) return { result: 'declined', failure: refusal };
	if (number === FAILS_LATER && !occasion.checkout) return generic();
	const wants =
		AUTHENTICATES_ALWAYS.includes(number) ||
		(number === AUTHENTICATES_ONCE && !behaviour.authenticated);
	if (!wants || occasion.authenticated) return { result: 'succeeded' };
	if (!occasion.offSession) return { result: 'action' };
	return {
		result: 'declined',
		failure: {
			type: 'card_error',
			code: 'authentication_required',
			decline_code: 'authentication_required',
			message: 'Your card was declined. This transaction requires authentication.'
		}
	};
}

export function brandOf(number: string): string {
	if (/^3[47]/.test(number)) return 'amex';
	if (/^(5[1-5]|2[2-7])/.test(number)) return 'mastercard';
	if (/^6/.test(number)) return 'discover';
	return 'visa';
}

/** The refund that a test card asks for: …7726 stays pending, …5126 succeeds and fails later. */
export function refundManner(number: string): 'pending' | 'fails_later' | null {
	if (number === '4000000000007726') return 'pending';
	return number === '4000000000005126' ? 'fails_later' : null;
}

function generic(): Verdict {
	return {
		result: 'declined',
		failure: {
			type: 'card_error',
			code: 'card_declined',
			decline_code: 'generic_decline',
			advice_code: 'try_again_later',
			message: 'Your card was declined.'
		}
	};
}
