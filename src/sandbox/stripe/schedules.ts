import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { addInterval } from './account.ts';
import { invalid, missing } from './errors.ts';
import type { Form } from './form.ts';
import { createdIn, matching, page } from './paging.ts';
import { release } from './phases.ts';
import type { Phase, Schedule } from './state.ts';

export const schedules: Operation[] = [
	{
		method: 'POST',
		path: '/v1/subscription_schedules',
		run: ({ account, params }) => {
			const from = params.text('from_subscription');
			if (!from)
				throw invalid(
					'This account creates schedules from a subscription: pass `from_subscription`.',
					'from_subscription'
				);
			params.only(['from_subscription', 'expand']);
			return fromSubscription(account, from);
		}
	},
	{
		method: 'GET',
		path: '/v1/subscription_schedules',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('schedules'), ['customer']);
			return page(params, rows.filter(createdIn(params)), '/v1/subscription_schedules');
		}
	},
	{
		method: 'GET',
		path: '/v1/subscription_schedules/:id',
		run: ({ account, path }) => account.get('schedules', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/subscription_schedules/:id',
		run: ({ account, params, path }) => {
			const schedule = active(account, path.id ?? '');
			const phases = params.list('phases');
			if (phases) schedule.phases = readPhases(account, schedule, phases);
			schedule.end_behavior =
				params.choice('end_behavior', ['cancel', 'none', 'release', 'renew']) ??
				schedule.end_behavior;
			schedule.metadata = params.metadata(schedule.metadata);
			account.emit('subscription_schedule.updated', schedule);
			return schedule;
		}
	},
	{
		method: 'POST',
		path: '/v1/subscription_schedules/:id/release',
		run: ({ account, path }) => {
			const schedule = active(account, path.id ?? '');
			release(account, schedule.id, account.now(schedule.customer));
			return schedule;
		}
	},
	{
		method: 'POST',
		path: '/v1/subscription_schedules/:id/cancel',
		run: ({ account, path }) => {
			const schedule = active(account, path.id ?? '');
			const at = account.now(schedule.customer);
			const subscription = account.find('subscriptions', schedule.subscription);
			if (subscription) subscription.cancel_at = at;
			schedule.status = 'canceled';
			schedule.canceled_at = at;
			schedule.current_phase = null;
			account.emit('subscription_schedule.canceled', schedule);
			return schedule;
		}
	}
];

function active(account: Account, id: string): Schedule {
	const schedule = account.get('schedules', id);
	if (schedule.status === 'active' || schedule.status === 'not_started') return schedule;
	throw invalid(
		`You cannot change a subscription schedule that is currently in the \`${schedule.status}\` status.`
	);
}

function fromSubscription(account: Account, id: string): Schedule {
	const subscription = account.get('subscriptions', id, 'from_subscription');
	if (subscription.schedule) {
		throw invalid(
			`You cannot migrate a subscription that is already attached to a schedule: ${subscription.schedule}.`,
			'from_subscription'
		);
	}
	const [item] = subscription.items.data;
	if (!item || subscription.ended_at !== null)
		throw invalid('The subscription has ended.', 'from_subscription');
	const phase: Phase = {
		...PHASE_REST,
		currency: subscription.currency,
		discounts: subscription.discounts.map((discount) => ({ ...NO_DISCOUNT, discount })),
		end_date: item.current_period_end,
		items: subscription.items.data.map((entry) => ({
			...ITEM_REST,
			price: entry.price.id,
			quantity: entry.quantity,
			metadata: {},
			...{ plan: entry.price.id }
		})),
		metadata: {},
		proration_behavior: 'create_prorations',
		start_date: item.current_period_start,
		trial_end: subscription.trial_end
	};
	const schedule = account.add('schedules', {
		id: account.id('sub_sched_1', 23),
		object: 'subscription_schedule',
		canceled_at: null,
		completed_at: null,
		created: account.now(subscription.customer),
		current_phase: { start_date: phase.start_date, end_date: phase.end_date },
		customer: subscription.customer,
		end_behavior: 'release',
		metadata: {},
		phases: [phase],
		released_at: null,
		released_subscription: null,
		status: 'active',
		subscription: subscription.id,
		test_clock: subscription.test_clock,
		...SCHEDULE_REST
	});
	subscription.schedule = schedule.id;
	account.emit('subscription_schedule.created', schedule);
	account.emit('customer.subscription.updated', subscription, { schedule: null });
	return schedule;
}

/** The running phase must come first, with the dates that it has. */
function readPhases(account: Account, schedule: Schedule, entries: Form[]): Phase[] {
	const current = schedule.current_phase;
	let start = current?.start_date ?? account.now(schedule.customer);
	return entries.map((entry, index) => {
		const given = entry.integer('start_date');
		if (index === 0 && current && given !== current.start_date) {
			throw invalid(
				'The current phase must be passed with its own `start_date`.',
				entry.param('start_date')
			);
		}
		const list = entry.list('items');
		if (!list?.length) throw missing(entry.param('items'));
		const items = list.map((item) => {
			const price = account.get('prices', item.required('price'), item.param('price'));
			return {
				...ITEM_REST,
				price: price.id,
				quantity: item.integer('quantity') ?? 1,
				metadata: item.metadata(),
				...{ plan: price.id }
			};
		});
		const first = account.get('prices', items[0]?.price ?? '');
		const { interval = 'month', interval_count: count = 1 } = first.recurring ?? {};
		const duration = entry.object('duration');
		const length = duration
			? { interval: duration.required('interval'), count: duration.integer('interval_count') ?? 1 }
			: { interval, count: count * (entry.integer('iterations') ?? 1) };
		const phaseStart = given ?? start;
		const end = entry.integer('end_date') ?? addInterval(phaseStart, length.interval, length.count);
		if (end <= phaseStart)
			throw invalid('A phase must end after it starts.', entry.param('end_date'));
		start = end;
		return {
			...PHASE_REST,
			currency: first.currency,
			discounts: (entry.list('discounts') ?? []).map((given) => {
				const discount = given.text('discount');
				if (discount) account.get('discounts', discount, given.param('discount'));
				const coupon = given.text('coupon');
				if (coupon) account.get('coupons', coupon, given.param('coupon'));
				return { ...NO_DISCOUNT, discount: discount ?? null, coupon: coupon ?? null };
			}),
			end_date: end,
			items,
			metadata: entry.metadata(),
			proration_behavior: entry.text('proration_behavior') ?? 'create_prorations',
			start_date: phaseStart,
			trial_end: entry.integer('trial_end') ?? null
		};
	});
}

const ITEM_REST = { billing_thresholds: null, discounts: [], tax_rates: [] };
const PHASE_REST = {
	add_invoice_items: [],
	application_fee_percent: null,
	billing_cycle_anchor: null,
	billing_thresholds: null,
	collection_method: null,
	default_payment_method: null,
	default_tax_rates: [],
	description: null,
	invoice_settings: null,
	on_behalf_of: null,
	transfer_data: null
};
const NO_DISCOUNT = { coupon: null, discount: null, promotion_code: null };
const SCHEDULE_REST = {
	application: null,
	billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
	customer_account: null,
	default_settings: {
		application_fee_percent: null,
		automatic_tax: { disabled_reason: null, enabled: false, liability: null },
		billing_cycle_anchor: 'automatic',
		billing_thresholds: null,
		collection_method: 'charge_automatically',
		default_payment_method: null,
		description: null,
		invoice_settings: {
			account_tax_ids: null,
			custom_fields: null,
			days_until_due: null,
			description: null,
			footer: null,
			issuer: { type: 'self' }
		},
		on_behalf_of: null,
		transfer_data: null
	},
	livemode: false,
	pause_schedules: []
};
