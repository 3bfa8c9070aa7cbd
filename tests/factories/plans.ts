import { randomBytes } from 'node:crypto';
import { db } from '#lib/core/db.server.ts';
import type { PlanWithPrices } from '#lib/plans/plans.server.ts';

let made = 0;

export interface PlanFacts {
	key?: string;
	name?: string;
	isolation?: 'shared' | 'dedicated' | 'dedicated_ha';
	purchasable?: boolean;
	published?: boolean;
	/** US cents, or the smallest unit of `currency`. */
	amount?: number;
	interval?: 'month' | 'year';
	currency?: string;
	trialDays?: number;
}

/** A plan beside the seeded ones, with one price. */
export function aPlan(facts: PlanFacts = {}): Promise<PlanWithPrices> {
	const mark = `${++made}${randomBytes(3).toString('hex')}`;
	const { amount = 4_900, interval = 'month', currency = 'usd', ...rest } = facts;
	return db.plan.create({
		data: {
			key: `plan-${mark}`,
			name: `Plan ${mark}`,
			isolation: 'shared',
			cpuCores: 1,
			ramMb: 2_048,
			diskGb: 10,
			backupIntervalHours: 168,
			supportChannel: 'email',
			slaBasisPoints: 9_900,
			position: 10 + made,
			...rest,
			prices: { create: { interval, currency, amount } }
		},
		include: { prices: true }
	});
}
