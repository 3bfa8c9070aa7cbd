import { now } from '#lib/core/clock.server.ts';
import { startOfMonth } from '#lib/core/dates.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { Money } from '#lib/core/money.ts';
import { figuresOfMonths, type MonthFigures } from '../billing/figureOverview.server.ts';
import { mrr } from '../billing/figures.server.ts';
import { clusterLoad, type ClusterLoad } from '../infrastructure/nodes/figures.server.ts';
import { countAlerts } from '../notifications/alertList.server.ts';
import { setting } from '../settings/settings.server.ts';
import type { TenantStatus } from '#prisma/generated/enums.ts';

/** Months that the dashboard draws, and the one before them. */
const HISTORY = 13;

export interface DashboardMetrics {
	at: Date;
	/** The platform's: months are those of this zone. */
	zone: string;
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
	/** One entry per currency that anybody pays in, the one with most first. */
	mrr: (Money & {
		/** Thirteen months, the running one last. */
		months: MonthFigures[];
	})[];
	cluster: ClusterLoad;
	/** Acknowledged ones are open until their cause is gone. */
	alerts: { open: number; acknowledged: number };
	/** Customers whose payment is late. */
	dunning: { open: number };
	/** What Stripe, or another system, says differently. */
	drifts: { open: number; oldest: Date | null };
}

const PENDING: TenantStatus[] = ['requested', 'waiting_capacity', 'provisioning', 'failed'];
const GONE: TenantStatus[] = ['deleted', 'refunded'];

/** The figures of the dashboard, all of one moment and all counted from rows. */
export async function dashboardMetrics(tx: Tx): Promise<DashboardMetrics> {
	const at = now();
	const zone = await setting('general.timezone');
	const states = await tx.tenant.groupBy({ by: ['status'], _count: true });
	const byStatus: DashboardMetrics['tenants']['byStatus'] = {};
	for (const { status, _count } of states) byStatus[status] = _count;
	const count = (wanted: (status: TenantStatus) => boolean) =>
		states.reduce((sum, { status, _count }) => sum + (wanted(status) ? _count : 0), 0);
	const figures = [];
	for (const { amount, currency } of await mrr(tx)) {
		const asked = { at, zone, currency, count: HISTORY, isRunning: true };
		figures.push({ amount, currency, months: await figuresOfMonths(tx, asked) });
	}
	const drifts = await tx.drift.aggregate({
		// Those with Stripe: what else differs is on the pages of what it is about.
		where: { closedAt: null, kind: { startsWith: 'billing.' } },
		_count: true,
		_min: { firstSeenAt: true }
	});
	return {
		...{ at, zone },
		tenants: {
			total: count((status) => !GONE.includes(status)),
			byStatus,
			activatedThisMonth: await tx.tenant.count({
				where: { activatedAt: { gte: startOfMonth(at, zone) } }
			}),
			pendingSetups: count((status) => PENDING.includes(status))
		},
		customers: { active: await tx.customer.count({ where: { status: 'active' } }) },
		mrr: figures,
		cluster: await clusterLoad(tx),
		alerts: await countAlerts(tx),
		dunning: { open: await tx.dunningCase.count({ where: { closedAt: null } }) },
		drifts: { open: drifts._count, oldest: drifts._min.firstSeenAt }
	};
}
