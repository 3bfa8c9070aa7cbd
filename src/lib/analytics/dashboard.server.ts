import { now } from '#lib/core/clock.server.ts';
import { addMonths, startOfMonth } from '#lib/core/dates.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { Money } from '#lib/core/money.ts';
import { mrr, mrrAt, churnRate } from '../billing/figures.server.ts';
import { clusterLoad, type ClusterLoad } from '../infrastructure/figures.server.ts';
import { countAlerts } from '../notifications/alertList.server.ts';
import { setting } from '../settings/settings.server.ts';
import type { TenantStatus } from '#prisma/generated/enums.ts';

export interface DashboardMetrics {
	at: Date;
	tenants: {
		/** Those that exist: neither deleted nor refunded. */
		total: number;
		byStatus: Partial<Record<TenantStatus, number>>;
		/** Became active since the start of the month. */
		activatedThisMonth: number;
		/** Being set up, waiting for room or failed. */
		pendingSetups: number;
	};
	customers: { active: number };
	/** One entry per currency that anybody pays in. */
	mrr: (Money & {
		/** At the start of this month. */
		before: number;
		/** Share of that MRR which was lost this month; null when there was none. */
		churn: number | null;
	})[];
	cluster: ClusterLoad;
	/** Acknowledged ones are open until their cause is gone. */
	alerts: { open: number; acknowledged: number };
}

const PENDING: TenantStatus[] = ['requested', 'waiting_capacity', 'provisioning', 'failed'];
const GONE: TenantStatus[] = ['deleted', 'refunded'];

/** The figures of the dashboard, all of one moment and all counted from rows. */
export async function dashboardMetrics(tx: Tx): Promise<DashboardMetrics> {
	const at = now();
	const zone = await setting('general.timezone');
	const month = startOfMonth(at, zone);
	const states = await tx.tenant.groupBy({ by: ['status'], _count: true });
	const byStatus = Object.fromEntries(
		states.map(({ status, _count }) => [status, _count])
	) as Partial<Record<TenantStatus, number>>;
	const count = (wanted: (status: TenantStatus) => boolean) =>
		states.reduce((sum, { status, _count }) => sum + (wanted(status) ? _count : 0), 0);
	const figures = [];
	for (const { amount, currency } of await mrr(tx)) {
		figures.push({
			amount,
			currency,
			before: await mrrAt(tx, month, currency),
			churn: await churnRate(tx, month, addMonths(at, 1, zone), currency)
		});
	}
	return {
		at,
		tenants: {
			total: count((status) => !GONE.includes(status)),
			byStatus,
			activatedThisMonth: await tx.tenant.count({ where: { activatedAt: { gte: month } } }),
			pendingSetups: count((status) => PENDING.includes(status))
		},
		customers: { active: await tx.customer.count({ where: { status: 'active' } }) },
		mrr: figures,
		cluster: await clusterLoad(tx),
		alerts: await countAlerts(tx)
	};
}

/** Stripe's events as they arrived, newest first. */
export function recentStripeEvents(tx: Tx, take: number) {
	return tx.stripeEvent.findMany({
		orderBy: { receivedAt: 'desc' },
		take,
		select: {
			id: true,
			eventId: true,
			eventType: true,
			processed: true,
			outcome: true,
			receivedAt: true,
			stripeCustomerId: true
		}
	});
}
