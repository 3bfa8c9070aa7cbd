import type { Account } from './account.ts';
import { redeemOne } from './coupons.ts';
import { newItem, planOf } from './subscribe.ts';
import type { Phase } from './state.ts';
import type { Subscription } from './types.ts';

/** When the running phase of a subscription's schedule ends; null without one. */
export function phaseEnd(account: Account, subscription: Subscription): number | null {
	const schedule = account.find('schedules', subscription.schedule);
	return schedule?.status === 'active' ? (schedule.current_phase?.end_date ?? null) : null;
}

/** Moves the subscription into its schedule's next phase, or ends the schedule. */
export function nextPhase(account: Account, subscription: Subscription, at: number): void {
	const schedule = account.get('schedules', subscription.schedule ?? '');
	const next = schedule.phases.find(
		(phase) => phase.start_date >= (schedule.current_phase?.end_date ?? 0)
	);
	if (next) {
		schedule.current_phase = { start_date: next.start_date, end_date: next.end_date };
		enter(account, subscription, next, at);
		account.emit('subscription_schedule.updated', schedule);
		return;
	}
	schedule.current_phase = null;
	if (schedule.end_behavior === 'cancel') {
		schedule.status = 'completed';
		schedule.completed_at = at;
		subscription.cancel_at = at;
		account.emit('subscription_schedule.completed', schedule);
		return;
	}
	release(account, schedule.id, at);
}

/** Takes the schedule off its subscription, which goes on as it is. */
export function release(account: Account, id: string, at: number): void {
	const schedule = account.get('schedules', id);
	const subscription = account.find('subscriptions', schedule.subscription);
	schedule.status = 'released';
	schedule.released_at = at;
	schedule.released_subscription = schedule.subscription;
	schedule.subscription = null;
	schedule.current_phase = null;
	if (subscription) subscription.schedule = null;
	account.emit('subscription_schedule.released', schedule);
}

function enter(account: Account, subscription: Subscription, phase: Phase, at: number): void {
	const before = structuredClone(subscription.items);
	subscription.items.data = phase.items.map((wanted, index) => {
		const price = account.get('prices', wanted.price);
		const item = subscription.items.data[index];
		if (!item) return newItem(account, subscription.id, { ...wanted, price }, at, null);
		item.price = structuredClone(price);
		item.quantity = wanted.quantity;
		return Object.assign(item, { plan: planOf(price) });
	});
	// A phase says all of its discounts: what it does not name ends with the phase before.
	const holder = { customer: subscription.customer, subscription: subscription.id, at };
	subscription.discounts = phase.discounts.flatMap(({ coupon, discount }) => {
		const source = account.find('coupons', coupon);
		return (
			discount ?? (source ? redeemOne(account, { coupon: source, promotion: null }, holder).id : [])
		);
	});
	account.emit('customer.subscription.updated', subscription, { items: before });
}
