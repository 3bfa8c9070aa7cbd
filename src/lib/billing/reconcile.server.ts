import { now } from '#lib/core/clock.server.ts';
import { transaction } from '#lib/core/db.server.ts';
import type { ReconcileRun } from '#prisma/generated/client.ts';
import {
	beginRun,
	closeUnseen,
	endRun,
	isIgnored,
	noteDrifts,
	type Found
} from '../logs/drifts.server.ts';
import { compareCustomers } from './reconcileCustomers.server.ts';
import { compareEvents } from './reconcileEvents.server.ts';
import { compareInvoices } from './reconcileInvoices.server.ts';
import { comparePrices } from './reconcilePrices.server.ts';
import { promisesKept } from './reconcilePromises.server.ts';
import { compareSubscriptions } from './reconcileSubscriptions.server.ts';

/** Tells what it finds, a page at a time. @returns how many objects it looked at */
export type Comparison = (tell: (found: Found[]) => Promise<void>) => Promise<number>;

/** Everything that is compared, with the kinds that it may find. */
const COMPARISONS: Record<string, { run: Comparison; kinds: string[] }> = {
	customers: {
		run: compareCustomers,
		kinds: ['billing.customer-differs', 'billing.customer-missing']
	},
	subscriptions: {
		run: compareSubscriptions,
		kinds: [
			'billing.subscription-differs',
			'billing.subscription-missing',
			'billing.subscription-unknown'
		]
	},
	invoices: { run: compareInvoices, kinds: ['billing.invoice-differs', 'billing.invoice-unknown'] },
	prices: { run: comparePrices, kinds: ['billing.plan-differs'] },
	events: { run: compareEvents, kinds: ['billing.event-missed', 'billing.event-stuck'] },
	promises: {
		run: promisesKept,
		kinds: ['billing.paid-without-tenant', 'billing.tenant-unpaid']
	}
};

/**
 * Compares what Stripe has with what we have, and what is paid with what runs. Reads alone: what differs is noted with
 * its cause, and repaired when somebody says so. A comparison that fails leaves its findings of before as they are.
 * @param byLabel who asked; null for the clock
 */
export async function reconcile(byLabel: string | null = null): Promise<ReconcileRun> {
	const id = await beginRun('billing', byLabel);
	const compared: Record<string, number> = {};
	const errors: string[] = [];
	let found = 0;
	for (const [name, { run, kinds }] of Object.entries(COMPARISONS)) {
		const began = now();
		try {
			compared[name] = await run(async (page) => {
				found += await note(page, began);
			});
			await transaction((tx) => closeUnseen(tx, kinds, began));
		} catch (error) {
			errors.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
		}
	}
	return endRun(id, { compared, found, errors });
}

async function note(page: Found[], at: Date): Promise<number> {
	if (page.length === 0) return 0;
	return transaction(async (tx) => {
		const fresh = [];
		for (const one of page) if (!(await isIgnored(tx, one))) fresh.push(one);
		await noteDrifts(tx, fresh, at);
		return fresh.length;
	});
}
