import { addInterval, type Account } from './account.ts';
import type { Operation } from './api.ts';
import { deleteCustomer } from './customers.ts';
import { runClock } from './due.ts';
import { invalid } from './errors.ts';
import { page } from './paging.ts';
import type { TestClock } from './state.ts';

const MONTH = 30 * 86_400;
/** Real-life milliseconds that an advance takes. */
const ADVANCE_MS = 4000;
const SHORTEST_ADVANCE_MS = 30;

export const testClocks: Operation[] = [
	{
		method: 'POST',
		path: '/v1/test_helpers/test_clocks',
		run: ({ account, params }) => {
			params.required('frozen_time');
			const created = account.kernel.clock.now();
			const clock = account.add('test_clocks', {
				id: account.id('clock_1', 23),
				object: 'test_helpers.test_clock',
				created,
				deletes_after: created + MONTH,
				frozen_time: params.integer('frozen_time') ?? created,
				name: params.nullable('name') ?? null,
				status: 'ready',
				status_details: {},
				...{ livemode: false }
			});
			const customer = params.text('customer');
			if (customer) {
				account.get('customers', customer, 'customer').test_clock = clock.id;
				for (const row of account.all('subscriptions')) {
					if (row.customer === customer) row.test_clock = clock.id;
				}
			}
			account.emit('test_helpers.test_clock.created', clock);
			return clock;
		}
	},
	{
		method: 'GET',
		path: '/v1/test_helpers/test_clocks',
		run: ({ account, params }) =>
			page(params, account.all('test_clocks'), '/v1/test_helpers/test_clocks')
	},
	{
		method: 'GET',
		path: '/v1/test_helpers/test_clocks/:id',
		run: ({ account, path }) => account.get('test_clocks', path.id ?? '')
	},
	{
		method: 'DELETE',
		path: '/v1/test_helpers/test_clocks/:id',
		run: ({ account, path }) => {
			const clock = account.get('test_clocks', path.id ?? '');
			for (const customer of account.all('customers')) {
				if (customer.test_clock === clock.id) deleteCustomer(account, customer);
			}
			for (const row of account.all('subscriptions')) {
				if (row.test_clock === clock.id) account.remove('subscriptions', row.id);
			}
			account.remove('test_clocks', clock.id);
			account.emit('test_helpers.test_clock.deleted', clock);
			return { id: clock.id, object: 'test_helpers.test_clock', deleted: true };
		}
	},
	{
		method: 'POST',
		path: '/v1/test_helpers/test_clocks/:id/advance',
		run: ({ account, params, path }) => {
			const clock = account.get('test_clocks', path.id ?? '');
			params.required('frozen_time');
			const target = params.integer('frozen_time') ?? 0;
			if (clock.status === 'advancing') {
				throw invalid('Test clock advancement underway - cannot perform modifications.');
			}
			if (target <= clock.frozen_time) {
				throw invalid(
					'Test clock must be advanced to a time after its current frozen time.',
					'frozen_time'
				);
			}
			if (target > furthest(account, clock)) {
				throw invalid(
					'You cannot advance a test clock by more than two intervals of its shortest subscription.',
					'frozen_time'
				);
			}
			clock.status = 'advancing';
			clock.status_details = { advancing: { target_frozen_time: target } };
			account.emit('test_helpers.test_clock.advancing', clock);
			const wait = Math.max(SHORTEST_ADVANCE_MS, ADVANCE_MS * account.kernel.speed);
			setTimeout(() => finish(account, clock.id, target), wait).unref();
			return clock;
		}
	}
];

function furthest(account: Account, clock: TestClock): number {
	const ends = account
		.all('subscriptions')
		.filter((row) => row.test_clock === clock.id && row.ended_at === null)
		.flatMap((row) => row.items.data)
		.map(({ price: { recurring } }) =>
			addInterval(
				clock.frozen_time,
				recurring?.interval ?? 'month',
				2 * (recurring?.interval_count ?? 1)
			)
		);
	return ends.length ? Math.min(...ends) : addInterval(clock.frozen_time, 'year', 2);
}

function finish(account: Account, id: string, target: number): void {
	const clock = account.find('test_clocks', id);
	if (!clock) return;
	runClock(account, id, target);
	clock.status = 'ready';
	clock.status_details = {};
	account.emit('test_helpers.test_clock.ready', clock);
}
