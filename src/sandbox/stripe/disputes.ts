import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { invalid } from './errors.ts';
import { createdIn, matching, page } from './paging.ts';
import type { Base, Charge, Metadata } from './types.ts';

export type Dispute = Base & {
	created: number;
	amount: number;
	charge: string;
	currency: string;
	payment_intent: string | null;
	reason: string;
	status: string;
	is_charge_refundable: boolean;
	balance_transactions: BalanceTransaction[];
	metadata: Metadata;
};

type BalanceTransaction = {
	id: string;
	object: 'balance_transaction';
	amount: number;
	created: number;
	currency: string;
	fee: number;
	net: number;
	reporting_category: 'dispute' | 'dispute_reversal';
	source: string;
	type: 'adjustment';
	[detail: string]: unknown;
};

/** What a dispute costs, in the smallest unit; not given back when it is won. */
const FEE = 1_500;

export const disputes: Operation[] = [
	{
		method: 'GET',
		path: '/v1/disputes',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('disputes'), ['charge', 'payment_intent']);
			return page(params, rows.filter(createdIn(params)), '/v1/disputes');
		}
	},
	{
		method: 'GET',
		path: '/v1/disputes/:id',
		run: ({ account, path }) => account.get('disputes', path.id ?? '')
	}
];

/** The buyer's bank takes the money back. */
export function openDispute(account: Account, charge: Charge, reason = 'fraudulent'): Dispute {
	if (charge.disputed) throw invalid(`Charge ${charge.id} is already disputed.`);
	if (charge.status !== 'succeeded') throw invalid(`Charge ${charge.id} has not succeeded.`);
	const created = account.now(charge.customer);
	charge.disputed = true;
	const dispute = account.add('disputes', {
		id: account.id('du_1', 23),
		object: 'dispute',
		amount: charge.amount,
		charge: charge.id,
		created,
		currency: charge.currency,
		metadata: {},
		payment_intent: charge.payment_intent,
		reason,
		status: 'needs_response',
		is_charge_refundable: false,
		balance_transactions: [],
		...{
			enhanced_eligibility_types: [],
			evidence: {
				...NO_EVIDENCE,
				enhanced_evidence: {},
				customer_email_address: account.find('customers', charge.customer)?.email ?? null
			},
			evidence_details: {
				due_by: created + 9 * 86_400,
				enhanced_eligibility: {},
				has_evidence: false,
				past_due: false,
				submission_count: 0,
				submission_method: 'not_submitted'
			},
			intended_submission_method: null,
			livemode: false,
			network_reason_code: '10.4'
		}
	});
	moveBalance(account, dispute, created, 'dispute');
	account.emit('charge.dispute.created', dispute);
	account.emit('charge.dispute.funds_withdrawn', dispute);
	return dispute;
}

/** The bank decides. */
export function closeDispute(account: Account, dispute: Dispute, status: 'won' | 'lost'): Dispute {
	if (['won', 'lost', 'warning_closed'].includes(dispute.status)) {
		throw invalid(`Dispute ${dispute.id} is already closed.`);
	}
	const before = dispute.status;
	dispute.status = status;
	dispute.is_charge_refundable = status === 'won';
	const charge = account.get('charges', dispute.charge);
	charge.disputed = true;
	if (status === 'won') {
		moveBalance(account, dispute, account.now(charge.customer), 'dispute_reversal');
		account.emit('charge.dispute.funds_reinstated', dispute);
	}
	account.emit('charge.dispute.closed', dispute, { status: before });
	return dispute;
}

/** Takes the money off the balance, or puts it back. */
function moveBalance(
	account: Account,
	dispute: Dispute,
	created: number,
	category: BalanceTransaction['reporting_category']
): void {
	const amount = category === 'dispute' ? -dispute.amount : dispute.amount;
	const fee = category === 'dispute' ? FEE : 0;
	dispute.balance_transactions.push({
		id: account.id('txn_1', 23),
		object: 'balance_transaction',
		...{ amount, created, currency: dispute.currency, fee, net: amount - fee },
		...{ reporting_category: category, source: dispute.id, type: 'adjustment' },
		...{
			available_on: created,
			balance_type: 'payments',
			description: null,
			exchange_rate: null,
			fee_details: fee
				? [
						{
							...{ amount: fee, application: null, currency: dispute.currency },
							...{ description: 'Dispute fee', type: 'stripe_fee' }
						}
					]
				: [],
			status: 'available'
		}
	});
}

const NO_EVIDENCE = Object.fromEntries(
	'access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal customer_communication customer_email_address customer_name customer_purchase_ip customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text'
		.split(' ')
		.map((name) => [name, null])
);
