import type Stripe from 'stripe';
import { isMissing, StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import type { PriceInterval } from '#prisma/generated/enums.ts';
import { idOf } from './checkout.server.ts';
import { refused } from './changeNow.server.ts';
import type { BilledChange, Outcome } from './changeTypes.ts';
import { moment } from './subscriptionWrite.server.ts';

/**
 * Makes a change for the end of the running period, through a schedule that Stripe keeps: the running period as its
 * first phase, what is wanted as its second, after which the subscription goes on without a schedule.
 * @throws {StripeVendorError}
 */
export async function changeLater(
	client: StripeClient,
	change: BilledChange,
	price: string
): Promise<Outcome> {
	const current = await client.subscriptions.retrieve(change.subscription);
	const known = idOf(current.schedule);
	const schedule = known
		? await client.schedules.retrieve(known)
		: await client.schedules.fromSubscription(change.subscription, `change:${change.id}:schedule`);
	const wanted = { price, quantity: change.toQuantity };
	if (!leadsTo(schedule, wanted)) {
		const phases = phasesOf(schedule, wanted, change.toInterval);
		if (!phases) return refused('WRONG_STATE');
		try {
			await client.schedules.update(
				schedule.id,
				{ end_behavior: 'release', proration_behavior: 'none', phases },
				`change:${change.id}:phases`
			);
		} catch (error) {
			const refusal = error instanceof StripeVendorError && error.kind === 'refused';
			// Attached, one that leads nowhere would keep every other change away.
			if (refusal && schedule.phases.length === 1)
				await releaseSchedule(client, change.subscription);
			throw error;
		}
	}
	const readBack = await client.schedules.retrieve(schedule.id);
	if (!leadsTo(readBack, wanted)) {
		throw new StripeVendorError({
			operation: 'subscriptionSchedules.update',
			kind: 'vendor',
			message: `schedule ${schedule.id} does not lead to what was asked for`,
			retryable: true
		});
	}
	return { status: 'scheduled', effectiveAt: moment(readBack.phases.at(-1)?.start_date) };
}

/** Whether a scheduled change is in force, still to come, or was taken back elsewhere. @throws {StripeVendorError} */
export async function lookAtSchedule(
	client: StripeClient,
	change: BilledChange,
	price: string
): Promise<Outcome> {
	const current = await client.subscriptions.retrieve(change.subscription);
	const [item] = current.items.data;
	if (item?.price.id === price && (item.quantity ?? 1) === change.toQuantity) {
		// It has done its work, and attached it would keep the next change away.
		await releaseSchedule(client, change.subscription);
		return { status: 'applied' };
	}
	return idOf(current.schedule) ? { status: 'scheduled' } : { status: 'undone' };
}

/** Lets a subscription go on as it is. Does nothing when no schedule is attached. @throws {StripeVendorError} */
export async function releaseSchedule(client: StripeClient, subscription: string): Promise<void> {
	const scheduleId = idOf((await client.subscriptions.retrieve(subscription)).schedule);
	if (!scheduleId) return;
	try {
		await client.schedules.release(scheduleId);
	} catch (error) {
		// Released a moment ago, by whom ever: what it is now decides.
		const refusal = error instanceof StripeVendorError && error.kind === 'refused';
		if (!refusal && !isMissing(error)) throw error;
	}
	if (!idOf((await client.subscriptions.retrieve(subscription)).schedule)) return;
	throw new StripeVendorError({
		operation: 'subscriptionSchedules.release',
		kind: 'vendor',
		message: `schedule ${scheduleId} is still attached`,
		retryable: true
	});
}

interface WantedItem {
	price: string;
	quantity: number;
}

function leadsTo(schedule: Stripe.SubscriptionSchedule, wanted: WantedItem): boolean {
	const [item] = nextPhase(schedule)?.items ?? [];
	return idOf(item?.price) === wanted.price && (item?.quantity ?? 1) === wanted.quantity;
}

function nextPhase({ phases, current_phase }: Stripe.SubscriptionSchedule) {
	return phases.find(({ start_date }) => start_date >= (current_phase?.end_date ?? Infinity));
}

/** The running phase as it is, which Stripe wants repeated, and the next. */
function phasesOf(
	{ phases, current_phase: current }: Stripe.SubscriptionSchedule,
	wanted: WantedItem,
	interval: PriceInterval
): Stripe.SubscriptionScheduleUpdateParams.Phase[] | null {
	const running = phases.find(({ start_date }) => start_date === current?.start_date);
	if (!running) return null;
	const discounts = running.discounts.flatMap(({ discount }) => idOf(discount) ?? []);
	const kept = discounts.length > 0 && { discounts: discounts.map((id) => ({ discount: id })) };
	return [
		{
			start_date: running.start_date,
			end_date: running.end_date,
			items: running.items.map((item) => ({
				price: idOf(item.price) ?? '',
				quantity: item.quantity ?? 1
			})),
			...(running.trial_end && { trial_end: running.trial_end }),
			...kept
		},
		{
			start_date: running.end_date,
			items: [{ price: wanted.price, quantity: wanted.quantity }],
			duration: { interval, interval_count: 1 },
			proration_behavior: 'none',
			...kept
		}
	];
}
