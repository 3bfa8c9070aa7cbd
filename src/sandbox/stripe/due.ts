import { cycleEnd, type Account } from './account.ts';
import { chargedMethod, collect, draftInvoice, finalizeInvoice } from './invoicing.ts';
import { expirePendingUpdate, voidInvoice } from './pending.ts';
import { nextPhase, phaseEnd } from './phases.ts';
import { expireSession } from './sessions.ts';
import { setStatus } from './standing.ts';
import { periodLine } from './subscribe.ts';
import { cancelNow } from './subscriptions.ts';
import type { Invoice, Subscription } from './types.ts';

/** Something that time brings about. */
interface Due {
	at: number;
	run: (at: number) => void;
	/** Still to be done: what ran before it in the same batch may have settled it. */
	stands: () => boolean;
}

const DAY = 86_400;
const HOUR = 3600;
const MOST_BATCHES = 10_000;
const OFF_SESSION = { offSession: true, authenticated: false, checkout: false };

/** Lets happen, in order, all that is due by the sandbox's clock. Objects of test clocks stand still. */
export function runDue(account: Account): void {
	runUntil(account, null, account.kernel.clock.now(), () => {});
}

/** Lets happen what is due for one test clock up to its new time. */
export function runClock(account: Account, clockId: string, target: number): void {
	const clock = account.get('test_clocks', clockId);
	runUntil(account, clockId, target, (at) => {
		clock.frozen_time = Math.max(clock.frozen_time, at);
	});
	clock.frozen_time = target;
	account.changed();
}

function runUntil(
	account: Account,
	clock: string | null,
	target: number,
	reached: (at: number) => void
): void {
	for (let turn = 0; turn < MOST_BATCHES; turn += 1) {
		const due = waiting(account, clock, target);
		const [first] = due;
		if (!first) return;
		// Nothing brings about anything else within the hour (a draft closes an hour later), so this much is one batch.
		for (const one of due) {
			if (one.at >= first.at + HOUR) break;
			if (!one.stands()) continue;
			reached(one.at);
			one.run(one.at);
		}
		account.changed();
	}
}

/** The next thing of each object, as far as it is due, in order of time. */
function waiting(account: Account, clock: string | null, target: number): Due[] {
	const due: Due[] = [];
	const keep = (next: Due | null): void => {
		if (next && next.at <= target) due.push(next);
	};
	for (const subscription of account.all('subscriptions')) {
		if (subscription.ended_at === null && subscription.test_clock === clock) {
			keep(ofSubscription(account, subscription));
		}
	}
	for (const invoice of account.all('invoices')) {
		if (invoice.test_clock === clock) keep(ofInvoice(account, invoice));
	}
	for (const session of clock ? [] : account.all('sessions')) {
		if (session.status !== 'open') continue;
		keep({
			at: session.expires_at,
			run: () => expireSession(account, session),
			stands: () => session.status === 'open'
		});
	}
	return due.sort((a, b) => a.at - b.at);
}

function ofInvoice(account: Account, invoice: Invoice): Due | null {
	const { status } = invoice;
	const at =
		status === 'draft'
			? invoice.automatically_finalizes_at
			: status === 'open'
				? invoice.next_payment_attempt
				: null;
	if (at === null) return null;
	const run = (time: number): void => {
		if (status === 'draft') closeDraft(account, invoice, time);
		else collect(account, invoice, chargedMethod(account, invoice), OFF_SESSION, time);
	};
	const stands = (): boolean =>
		invoice.status === status &&
		(status === 'draft' ? invoice.automatically_finalizes_at : invoice.next_payment_attempt) === at;
	return { at, run, stands };
}

function ofSubscription(account: Account, subscription: Subscription): Due | null {
	let first: Due | null = null;
	const stands = (): boolean => subscription.ended_at === null;
	const consider = (at: number | null, run: (at: number) => void): Due | null => {
		if (at !== null && (!first || at < first.at)) first = { at, run, stands };
		return first;
	};
	const notes = account.notes(subscription.id);
	if (subscription.status === 'incomplete') {
		return consider(subscription.created + 23 * HOUR, (at) =>
			expireIncomplete(account, subscription, at)
		);
	}
	if (subscription.status === 'paused') return null;
	const end = Math.min(...subscription.items.data.map((item) => item.current_period_end));
	if (subscription.status === 'trialing' && !notes.trial_notified && subscription.trial_end) {
		consider(Math.max(subscription.created, subscription.trial_end - 3 * DAY), () => {
			notes.trial_notified = true;
			account.emit('customer.subscription.trial_will_end', subscription);
		});
	}
	if (subscription.pending_update) {
		consider(subscription.pending_update.expires_at, (at) =>
			expirePendingUpdate(account, subscription, at)
		);
	}
	if (subscription.cancel_at !== null) {
		consider(subscription.cancel_at, (at) =>
			cancelNow(account, subscription, at, 'cancellation_requested')
		);
	} else if (notes.upcoming_notified !== end && end - 7 * DAY > subscription.created) {
		consider(end - 7 * DAY, () => {
			notes.upcoming_notified = end;
			account.emit('invoice.upcoming', {
				object: 'invoice',
				customer: subscription.customer,
				next_payment_attempt: end
			});
		});
	}
	consider(phaseEnd(account, subscription), (at) => nextPhase(account, subscription, at));
	return consider(end, (at) => renew(account, subscription, at));
}

function renew(account: Account, subscription: Subscription, at: number): void {
	const before = structuredClone(subscription.items);
	const status = subscription.status;
	if (status === 'trialing' && !endTrial(account, subscription, at)) return;
	const items = subscription.items.data.filter((item) => item.current_period_end <= at);
	for (const item of items) {
		const { interval = 'month', interval_count: count = 1 } = item.price.recurring ?? {};
		item.current_period_start = item.current_period_end;
		item.current_period_end = cycleEnd(subscription.billing_cycle_anchor, interval, count, at);
	}
	account.emit('customer.subscription.updated', subscription, {
		items: before,
		...(status === subscription.status ? {} : { status })
	});
	if (subscription.status === 'unpaid') return;
	const notes = account.notes(subscription.id);
	const pending = notes.pending_lines;
	notes.pending_lines = [];
	const first = items[0] ?? subscription.items.data[0];
	const previous = before.data.find((item) => item.id === first?.id);
	const keep = subscription.pause_collection?.behavior === 'keep_as_draft';
	const invoice = draftInvoice(account, {
		customer: subscription.customer,
		subscription,
		lines: [...pending, ...items.map((item) => periodLine(account, subscription, item))],
		reason: 'subscription_cycle',
		currency: subscription.currency,
		at,
		period: { start: previous?.current_period_start ?? at, end: at },
		finalizes_at: keep ? null : at + HOUR
	});
	if (keep) invoice.auto_advance = false;
}

/** False when the trial ended the subscription, or paused it, for want of a payment method. */
function endTrial(account: Account, subscription: Subscription, at: number): boolean {
	const customer = account.find('customers', subscription.customer);
	const method =
		subscription.default_payment_method ?? customer?.invoice_settings.default_payment_method;
	const without = subscription.trial_settings.end_behavior.missing_payment_method;
	subscription.status = 'active';
	if (method || without === 'create_invoice') return true;
	if (without === 'cancel') {
		cancelNow(account, subscription, at, null);
		return false;
	}
	subscription.status = 'paused';
	account.emit('customer.subscription.paused', subscription);
	account.emit('customer.subscription.updated', subscription, { status: 'trialing' });
	return false;
}

function closeDraft(account: Account, invoice: Invoice, at: number): void {
	const subscription = account.find(
		'subscriptions',
		invoice.parent?.subscription_details?.subscription
	);
	finalizeInvoice(account, invoice, at);
	if (invoice.status !== 'open') return;
	const pause = subscription?.pause_collection?.behavior;
	if (pause === 'void') voidInvoice(account, invoice, at);
	else if (pause === 'mark_uncollectible') {
		invoice.status = 'uncollectible';
		invoice.status_transitions.marked_uncollectible_at = at;
		account.emit('invoice.marked_uncollectible', invoice);
	} else if (invoice.collection_method === 'charge_automatically') {
		collect(account, invoice, chargedMethod(account, invoice), OFF_SESSION, at);
	}
}

function expireIncomplete(account: Account, subscription: Subscription, at: number): void {
	const invoice = account.find('invoices', subscription.latest_invoice);
	setStatus(account, subscription, 'incomplete_expired');
	subscription.ended_at = at;
	if (invoice?.status === 'open') voidInvoice(account, invoice, at);
}
