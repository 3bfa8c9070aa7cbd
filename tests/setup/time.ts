import { afterAll } from 'vitest';
import { now, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { settleChange } from '#lib/billing/changeSettle.server.ts';
import { keepEvent, processEvent } from '#lib/billing/events.server.ts';
import { eventsOf, waitingJobs } from './billing.ts';
import type { TestStripe } from './stripe.ts';

export interface TestTime {
	/** Both clocks go to a moment. What Stripe does on the way happens, and nobody here has heard of it yet. */
	go(at: Date): Promise<void>;
	/** Does what webhooks and their jobs do, until there is nothing more to hear. */
	hear(): Promise<void>;
	/** Both clocks go to a moment, and it is heard what happened. */
	pass(at: Date): Promise<void>;
	/** Ends every subscription at the stand-in, unheard: no later test hears of their renewals. */
	endAll(): Promise<void>;
	/** Ours is so much ahead of Stripe's; behind it, when negative. */
	drift(milliseconds: number): void;
}

/** Time that a test moves, for us and for the Stripe stand-in; ends with the file. */
export function testTime(stripe: TestStripe): TestTime {
	const { clock } = stripe.kernel;
	let seen = eventsOf(stripe).length;
	const drift = (milliseconds: number) =>
		setClockOffset(clock.now() * 1000 - Date.now() + milliseconds);
	const go = async (at: Date) => {
		clock.offsetMs = at.getTime() - Date.now();
		drift(0);
		// What is due at the stand-in happens when it is asked.
		await stripe.api.products.list({ limit: 1 });
	};
	const hear = async () => {
		for (let events = eventsOf(stripe); events.length > seen; events = eventsOf(stripe)) {
			const event = events[seen++]!;
			await transaction((tx) => keepEvent(tx, event));
			await processEvent(event.id);
		}
		const changes = await waitingJobs<{ changeId: string }>('billing.settle-change');
		await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'billing.settle-change'`;
		for (const id of new Set(changes.map(({ changeId }) => changeId))) await settleChange(id);
		if (eventsOf(stripe).length > seen) await hear();
	};
	afterAll(() => setClockOffset(0));
	return {
		go,
		hear,
		endAll: async () => {
			for (const { id, ended_at: ended } of stripe.server.account.all('subscriptions'))
				if (ended === null) await stripe.api.subscriptions.cancel(id);
			seen = eventsOf(stripe).length;
		},
		drift,
		pass: async (at) => {
			await go(at);
			await hear();
		}
	};
}

/** `at` in whole seconds, as Stripe counts. */
export function seconds(at: Date = now()): Date {
	return new Date(Math.floor(at.getTime() / 1000) * 1000);
}
