import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { invalid, noSuch } from './errors.ts';
import { Form } from './form.ts';
import { page } from './paging.ts';
import type { Subscription, SubscriptionItem } from './types.ts';
import { updateSubscription } from './update.ts';

const ITEM = ['price', 'price_data', 'quantity', 'metadata', 'discounts'];

/** Items one by one; each change is an update of the subscription with one `items[]` entry. */
export const subscriptionItems: Operation[] = [
	{
		method: 'GET',
		path: '/v1/subscription_items',
		run: ({ account, params }) => {
			const subscription = account.get(
				'subscriptions',
				params.required('subscription'),
				'subscription'
			);
			return page(params, subscription.items.data.toReversed(), '/v1/subscription_items');
		}
	},
	{
		method: 'POST',
		path: '/v1/subscription_items',
		run: ({ account, params }) => {
			const subscription = account.get(
				'subscriptions',
				params.required('subscription'),
				'subscription'
			);
			const known = new Set(subscription.items.data.map((item) => item.id));
			updateSubscription(account, subscription, asUpdate(params, []), 'allow_incomplete');
			const added = subscription.items.data.find((item) => !known.has(item.id));
			if (!added) throw new Error('the update added no item');
			return added;
		}
	},
	{
		method: 'GET',
		path: '/v1/subscription_items/:id',
		run: ({ account, path }) => findItem(account, path.id ?? '').item
	},
	{
		method: 'POST',
		path: '/v1/subscription_items/:id',
		run: ({ account, params, path }) => {
			const { subscription, item } = findItem(account, path.id ?? '');
			updateSubscription(
				account,
				subscription,
				asUpdate(params, [['items[0][id]', item.id]]),
				'allow_incomplete'
			);
			return findItem(account, item.id).item;
		}
	},
	{
		method: 'DELETE',
		path: '/v1/subscription_items/:id',
		run: ({ account, params, path }) => {
			const { subscription, item } = findItem(account, path.id ?? '');
			if (subscription.items.data.length === 1) {
				throw invalid(
					'A subscription must have at least one active plan. To cancel the subscription, please use the cancel API endpoint on subscriptions instead.'
				);
			}
			const gone: [string, string][] = [
				['items[0][id]', item.id],
				['items[0][deleted]', 'true']
			];
			updateSubscription(account, subscription, asUpdate(params, gone), 'allow_incomplete');
			return { id: item.id, object: 'subscription_item', deleted: true };
		}
	}
];

function findItem(
	account: Account,
	id: string
): { subscription: Subscription; item: SubscriptionItem } {
	for (const subscription of account.all('subscriptions')) {
		const item = subscription.items.data.find((entry) => entry.id === id);
		if (item) return { subscription, item };
	}
	throw noSuch('subscription_item', id);
}

function asUpdate(params: Form, extra: [string, string][]): Form {
	const pairs = params.pairs().map(([name, value]): [string, string] => {
		const [head = '', ...rest] = name.split(/(?=\[)/);
		return ITEM.includes(head) ? [`items[0][${head}]${rest.join('')}`, value] : [name, value];
	});
	return Form.parse([...pairs, ...extra]);
}
