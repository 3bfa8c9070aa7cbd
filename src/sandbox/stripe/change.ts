import { addInterval, type Account } from './account.ts';
import { priceOf } from './catalog.ts';
import { invalid } from './errors.ts';
import type { Form } from './form.ts';
import { line, newItem, periodLine, planOf } from './subscribe.ts';
import type { InvoiceLine, Subscription, SubscriptionItem } from './types.ts';

const PRORATIONS = ['create_prorations', 'always_invoice', 'none'] as const;

/** What a change of items, trial or anchor makes of a subscription; nothing is stored yet. */
export interface Change {
	items: SubscriptionItem[];
	/** Credits and charges for the running period, and the new period when it starts now. */
	lines: InvoiceLine[];
	/** The lines are billed now, not with the next renewal. */
	immediate: boolean;
	/** The billing cycle starts over at this time. */
	anchor: number | null;
	trial_end: number | null;
	/** The trial was set, moved or ended by this change. */
	trialChanged: boolean;
}

/**
 * Reads `items`, `trial_end`, `billing_cycle_anchor`, `proration_*` of a subscription update or preview.
 * @param at unix seconds, the time of the change
 */
export function planChange(
	account: Account,
	subscription: Subscription,
	params: Form,
	at: number
): Change {
	const behaviour = params.choice('proration_behavior', PRORATIONS) ?? 'create_prorations';
	const from = params.integer('proration_date') ?? at;
	const before = subscription.items.data;
	checkProrationDate(before, from);
	const items = changedItems(account, subscription, params.list('items') ?? [], at);
	const anchorNow =
		params.object('billing_cycle_anchor')?.choice('type', ['now', 'unchanged']) === 'now';
	const trial = readTrial(params, at);
	const trialing = subscription.status === 'trialing';
	const restarts =
		anchorNow ||
		trial === 'now' ||
		(!trialing && items.some((item) => rhythmChanged(before, item)));
	const prorates = behaviour !== 'none' && !trialing;
	const lines = prorates
		? prorations(account, subscription, before, items, from, restarts || typeof trial === 'number')
		: [];
	const after: Subscription = {
		...subscription,
		status: typeof trial === 'number' ? 'trialing' : restarts ? 'active' : subscription.status
	};
	if (restarts || typeof trial === 'number') {
		for (const item of items) {
			const { interval = 'month', interval_count: count = 1 } = item.price.recurring ?? {};
			item.current_period_start = at;
			item.current_period_end =
				typeof trial === 'number' ? trial : addInterval(at, interval, count);
		}
		lines.push(...items.map((item) => periodLine(account, after, item)));
	}
	return {
		items,
		lines,
		immediate:
			restarts || typeof trial === 'number' || (behaviour === 'always_invoice' && lines.length > 0),
		anchor: typeof trial === 'number' ? trial : restarts ? at : null,
		trial_end: trial === 'now' ? at : (trial ?? subscription.trial_end),
		trialChanged: trial !== null
	};
}

function readTrial(params: Form, at: number): number | 'now' | null {
	const text = params.text('trial_end');
	if (text === undefined || text === '') return null;
	if (text === 'now') return 'now';
	const end = params.integer('trial_end') ?? 0;
	if (end <= at) throw invalid('Invalid trial_end: must be a future timestamp.', 'trial_end');
	if (end > at + 730 * 86_400) {
		throw invalid('Invalid trial_end: must be no more than two years in the future.', 'trial_end');
	}
	return end;
}

function changedItems(
	account: Account,
	subscription: Subscription,
	changes: Form[],
	at: number
): SubscriptionItem[] {
	const items = structuredClone(subscription.items.data);
	for (const change of changes) {
		const id = change.text('id');
		if (!id) {
			items.push(addedItem(account, subscription, items, change, at));
			continue;
		}
		const index = items.findIndex((item) => item.id === id);
		const item = items[index];
		if (!item) {
			throw invalid(`No such subscription item: '${id}'`, change.param('id'), 'resource_missing');
		}
		if (change.flag('deleted')) {
			items.splice(index, 1);
			continue;
		}
		if (change.has('price') || change.has('price_data')) {
			item.price = structuredClone(recurringPrice(account, subscription, change));
			Object.assign(item, { plan: planOf(item.price) });
		}
		item.quantity = change.integer('quantity') ?? item.quantity;
		item.metadata = change.metadata(item.metadata);
	}
	if (!items.length) {
		throw invalid(
			'A subscription must have at least one active item. To cancel it, use DELETE.',
			'items'
		);
	}
	return items;
}

function addedItem(
	account: Account,
	subscription: Subscription,
	items: SubscriptionItem[],
	change: Form,
	at: number
): SubscriptionItem {
	const price = recurringPrice(account, subscription, change);
	if (items.some((item) => item.price.id === price.id)) {
		throw invalid(
			`Cannot add multiple subscription items with the same plan: \`${price.id}\``,
			change.param('price')
		);
	}
	const item = newItem(
		account,
		subscription.id,
		{ price, quantity: change.integer('quantity') ?? 1, metadata: change.metadata() },
		at,
		null
	);
	const shared = items.find((other) => rhythm(other) === rhythm(item));
	if (shared) item.current_period_end = shared.current_period_end;
	return item;
}

function recurringPrice(account: Account, subscription: Subscription, change: Form) {
	const price = priceOf(account, change);
	if (price.type !== 'recurring') {
		throw invalid(
			'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
			change.param('price')
		);
	}
	if (price.currency !== subscription.currency) {
		throw invalid(
			`The price specified only supports \`${price.currency}\`. This doesn't match the expected currency: \`${subscription.currency}\`.`,
			change.param('price')
		);
	}
	return price;
}

function prorations(
	account: Account,
	subscription: Subscription,
	before: SubscriptionItem[],
	after: SubscriptionItem[],
	from: number,
	restarts: boolean
): InvoiceLine[] {
	const lines: InvoiceLine[] = [];
	const entry = (item: SubscriptionItem, sign: 1 | -1): void => {
		const { current_period_start: start, current_period_end: end } = item;
		const share = Math.max(0, end - from) / Math.max(1, end - start);
		const name = account.find('products', item.price.product)?.name ?? item.price.product;
		const day = new Date(from * 1000).toLocaleDateString('en-GB', {
			day: 'numeric',
			month: 'short',
			year: 'numeric',
			timeZone: 'UTC'
		});
		lines.push(
			line(account, subscription, item, {
				amount: sign * Math.round((item.price.unit_amount ?? 0) * item.quantity * share),
				description: `${sign < 0 ? 'Unused' : 'Remaining'} time on ${item.quantity > 1 ? `${item.quantity} × ` : ''}${name} after ${day}`,
				period: { start: from, end },
				proration: true
			})
		);
	};
	for (const old of before) {
		const now = after.find((item) => item.id === old.id);
		if (now && now.price.id === old.price.id && now.quantity === old.quantity && !restarts)
			continue;
		entry(old, -1);
		if (now && !restarts)
			entry(
				{
					...now,
					current_period_start: old.current_period_start,
					current_period_end: old.current_period_end
				},
				1
			);
	}
	for (const item of after) {
		if (restarts || before.some((old) => old.id === item.id)) continue;
		const shared = before.find((old) => rhythm(old) === rhythm(item));
		entry(
			{ ...item, current_period_start: shared?.current_period_start ?? item.current_period_start },
			1
		);
	}
	return lines;
}

function checkProrationDate(items: SubscriptionItem[], from: number): void {
	const start = Math.min(...items.map((item) => item.current_period_start));
	const end = Math.max(...items.map((item) => item.current_period_end));
	if (from >= start && from <= end) return;
	throw invalid('Invalid proration_date: must be within the current period.', 'proration_date');
}

function rhythm(item: SubscriptionItem): string {
	return `${item.price.recurring?.interval}/${item.price.recurring?.interval_count}`;
}

function rhythmChanged(before: SubscriptionItem[], item: SubscriptionItem): boolean {
	const old = before.find((other) => other.id === item.id);
	return old !== undefined && rhythm(old) !== rhythm(item);
}
