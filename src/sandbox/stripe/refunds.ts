import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { behaviourOf, refundManner } from './cards.ts';
import { invalid } from './errors.ts';
import { createdIn, matching, page } from './paging.ts';
import { money } from './subscribe.ts';
import type { Base, Charge, Metadata } from './types.ts';

export type Refund = Base & {
	created: number;
	amount: number;
	charge: string;
	currency: string;
	customer: string | null;
	failure_balance_transaction?: string;
	failure_reason?: string;
	metadata: Metadata;
	payment_intent: string | null;
	payment_method: string | null;
	pending_reason?: string;
	reason: string | null;
	status: string;
};

const REASONS = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;

export const refunds: Operation[] = [
	{
		method: 'POST',
		path: '/v1/refunds',
		ms: 700,
		run: ({ account, params }) => {
			const charge = chargeOf(account, params.text('payment_intent'), params.text('charge'));
			return createRefund(account, charge, {
				amount: params.integer('amount') ?? null,
				reason: params.choice('reason', REASONS) ?? null,
				metadata: params.metadata()
			});
		}
	},
	{
		method: 'GET',
		path: '/v1/refunds',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('refunds'), ['charge', 'payment_intent']);
			return page(params, rows.filter(createdIn(params)), '/v1/refunds');
		}
	},
	{
		method: 'GET',
		path: '/v1/refunds/:id',
		run: ({ account, path }) => account.get('refunds', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/refunds/:id',
		run: ({ account, params, path }) => {
			const refund = account.get('refunds', path.id ?? '');
			refund.metadata = params.metadata(refund.metadata);
			account.emit('refund.updated', refund);
			return refund;
		}
	},
	{
		method: 'POST',
		path: '/v1/refunds/:id/cancel',
		run: ({ account, path }) => {
			const refund = account.get('refunds', path.id ?? '');
			if (refund.status !== 'requires_action') {
				throw invalid(
					`This refund (${refund.id}) cannot be canceled because its status is ${refund.status}.`
				);
			}
			settleRefund(account, refund, 'canceled');
			return refund;
		}
	}
];

export function chargeOf(
	account: Account,
	intentId: string | undefined,
	chargeId: string | undefined
): Charge {
	if (intentId && chargeId) {
		throw invalid('You may only specify one of these parameters: charge, payment_intent.');
	}
	if (chargeId) return account.get('charges', chargeId, 'charge');
	if (!intentId)
		throw invalid(
			'One of the following params should be provided for this request: payment_intent or charge.'
		);
	const intent = account.get('payment_intents', intentId, 'payment_intent');
	const charge = account.find('charges', intent.latest_charge);
	if (!charge || charge.status !== 'succeeded') {
		throw invalid(
			`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`,
			'payment_intent'
		);
	}
	return charge;
}

/**
 * Gives money back. @param amount minor units; null gives all that is left
 * @throws StripeError charge_already_refunded, charge_disputed, or more than is left
 */
export function createRefund(
	account: Account,
	charge: Charge,
	request: { amount: number | null; reason: string | null; metadata: Metadata }
): Refund {
	const left = charge.amount - charge.amount_refunded;
	if (charge.status !== 'succeeded')
		throw invalid(`Charge ${charge.id} has not succeeded.`, 'charge');
	if (left <= 0) {
		throw invalid(
			`Charge ${charge.id} has already been refunded.`,
			undefined,
			'charge_already_refunded'
		);
	}
	if (isChargedBack(account, charge)) {
		throw invalid(
			`Charge ${charge.id} has been charged back; cannot issue a refund.`,
			undefined,
			'charge_disputed'
		);
	}
	const amount = request.amount ?? left;
	if (amount <= 0) throw invalid('Invalid positive integer', 'amount', 'parameter_invalid_integer');
	if (amount > left) {
		throw invalid(
			`Refund amount (${money(amount, charge.currency)}) is greater than unrefunded amount on charge (${money(left, charge.currency)})`,
			'amount'
		);
	}
	const manner = refundManner(behaviourOf(account, charge.payment_method ?? '').number);
	const status =
		account.state.settings.next_refunds.shift() ?? (manner === 'pending' ? 'pending' : 'succeeded');
	const refund = account.add('refunds', newRefund(account, charge, amount, request, status));
	if (status === 'failed') markFailed(account, refund);
	else {
		charge.amount_refunded += amount;
		charge.refunded = charge.amount_refunded === charge.amount;
	}
	if (request.reason === 'fraudulent') block(account, charge);
	account.emit('charge.refunded', charge, { amount_refunded: charge.amount_refunded - amount });
	account.emit('refund.created', refund);
	if (status === 'failed') account.emit('refund.failed', refund);
	return refund;
}

/** Its money is with the buyer's bank: while a dispute is open, and after one that was lost. One that was won is no hindrance. */
function isChargedBack(account: Account, charge: Charge): boolean {
	return account
		.all('disputes')
		.some((one) => one.charge === charge.id && !one.is_charge_refundable);
}

/** The bank's word on a refund: `succeeded` can still become `failed`; `failed` and `canceled` are final. */
export function settleRefund(
	account: Account,
	refund: Refund,
	status: 'succeeded' | 'failed' | 'canceled'
): void {
	if (refund.status === 'failed' || refund.status === 'canceled') {
		throw invalid(`Refund ${refund.id} is already ${refund.status}.`);
	}
	const before = refund.status;
	refund.status = status;
	delete refund.pending_reason;
	if (status !== 'succeeded') {
		const charge = account.get('charges', refund.charge);
		charge.amount_refunded -= refund.amount;
		charge.refunded = false;
	}
	if (status === 'failed') {
		markFailed(account, refund);
		account.emit('charge.refund.updated', refund, { status: before });
		account.emit('refund.failed', refund, { status: before });
	}
	account.emit('refund.updated', refund, { status: before });
}

function markFailed(account: Account, refund: Refund): void {
	refund.status = 'failed';
	refund.failure_reason = 'lost_or_stolen_card';
	refund.failure_balance_transaction = account.id('txn_1', 23);
}

function newRefund(
	account: Account,
	charge: Charge,
	amount: number,
	request: { reason: string | null; metadata: Metadata },
	status: string
): Refund {
	return {
		id: account.id('re_3', 23),
		object: 'refund',
		amount,
		charge: charge.id,
		created: account.now(charge.customer),
		currency: charge.currency,
		customer: charge.customer,
		metadata: request.metadata,
		payment_intent: charge.payment_intent,
		payment_method: charge.payment_method,
		...(status === 'pending' ? { pending_reason: 'processing' } : {}),
		...(status === 'requires_action' ? { next_action: { type: 'display_details' } } : {}),
		reason: request.reason,
		status,
		...{
			balance_transaction: status === 'succeeded' ? account.id('txn_3', 23) : null,
			customer_account: null,
			destination_details: { card: { type: 'refund' }, type: 'card' },
			receipt_number: null,
			source_transfer_reversal: null,
			transfer_reversal: null
		}
	};
}

/** `reason=fraudulent` puts the payer's e-mail on the block list. */
function block(account: Account, charge: Charge): void {
	const email = account.find('customers', charge.customer)?.email;
	if (email) account.state.blocked_emails.push(email);
}
