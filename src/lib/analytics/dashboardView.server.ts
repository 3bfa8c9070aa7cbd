import { z } from 'zod';
import type { AlertRow } from '../notifications/alertList.server.ts';
import type { DashboardMetrics } from './dashboard.server.ts';
import type { StripeFeedEntry } from './stripeFeed.server.ts';

const load = z.object({ cpu: z.number(), ram: z.number(), disk: z.number(), largest: z.number() });

/** The dashboard's figures in the API; money in minor units, loads from 0 to 1, null for what is not known. */
export const metricsSchema = z.object({
	at: z.iso.datetime(),
	tenants: z.object({
		total: z.number().int(),
		by_status: z.record(z.string(), z.number().int()),
		activated_this_month: z.number().int(),
		pending_setups: z.number().int()
	}),
	active_customers: z.number().int(),
	mrr: z.array(
		z.object({
			amount: z.number().int(),
			currency: z.string(),
			at_month_start: z.number().int(),
			churn_rate: z.number().nullable(),
			gross_churn_rate: z.number().nullable(),
			net_churn_rate: z.number().nullable(),
			customer_churn_rate: z.number().nullable(),
			arr: z.number().int(),
			arpu: z.number().int().nullable(),
			customers: z.number().int()
		})
	),
	cluster_load: z.object({
		used: load.extend({ at: z.iso.datetime() }).nullable(),
		committed: load.nullable(),
		nodes_online: z.number().int(),
		nodes: z.number().int()
	}),
	open_alerts: z.number().int(),
	acknowledged_alerts: z.number().int(),
	open_dunning_cases: z.number().int(),
	open_drifts: z.number().int(),
	oldest_drift_at: z.iso.datetime().nullable()
});

export function metricsView(metrics: DashboardMetrics): z.input<typeof metricsSchema> {
	const { used, committed, nodesOnline, nodes } = metrics.cluster;
	return {
		at: metrics.at.toISOString(),
		tenants: {
			total: metrics.tenants.total,
			by_status: metrics.tenants.byStatus as Record<string, number>,
			activated_this_month: metrics.tenants.activatedThisMonth,
			pending_setups: metrics.tenants.pendingSetups
		},
		active_customers: metrics.customers.active,
		mrr: metrics.mrr.map(({ amount, currency, months }) => {
			const month = months.at(-1)!;
			return {
				...{ amount, currency, at_month_start: month.start },
				churn_rate: month.rates.churn,
				gross_churn_rate: month.rates.grossChurn,
				net_churn_rate: month.rates.netChurn,
				customer_churn_rate: month.rates.customerChurn,
				...{ arr: month.rates.arr, arpu: month.rates.arpu, customers: month.customersEnd }
			};
		}),
		cluster_load: {
			used: used && { ...used, at: used.at.toISOString() },
			committed,
			nodes_online: nodesOnline,
			nodes
		},
		open_alerts: metrics.alerts.open,
		acknowledged_alerts: metrics.alerts.acknowledged,
		open_dunning_cases: metrics.dunning.open,
		open_drifts: metrics.drifts.open,
		oldest_drift_at: metrics.drifts.oldest?.toISOString() ?? null
	};
}

export const alertSchema = z.object({
	id: z.uuid(),
	rule: z.string(),
	severity: z.string(),
	subject: z.object({ type: z.string(), id: z.string() }),
	opened_at: z.iso.datetime(),
	acknowledged_at: z.iso.datetime().nullable(),
	acknowledged_by: z.string().nullable(),
	note: z.string().nullable()
});

export function alertView(alert: Omit<AlertRow, 'data'>): z.input<typeof alertSchema> {
	return {
		id: alert.id,
		rule: alert.rule,
		severity: alert.severity,
		subject: { type: alert.subjectType, id: alert.subjectId },
		opened_at: alert.openedAt.toISOString(),
		acknowledged_at: alert.acknowledgedAt?.toISOString() ?? null,
		acknowledged_by: alert.acknowledgedName,
		note: alert.acknowledgedNote
	};
}

export const eventSchema = z.object({
	id: z.string(),
	type: z.string(),
	processed: z.boolean(),
	outcome: z.string().nullable(),
	received_at: z.iso.datetime()
});

export function eventView(event: StripeFeedEntry): z.input<typeof eventSchema> {
	return {
		id: event.id,
		type: event.type,
		processed: event.processed,
		outcome: event.outcome,
		received_at: event.receivedAt.toISOString()
	};
}
