import { MINUTE, now } from '#lib/core/clock.server.ts';
import { addMonths, atHour, dayKey, monthKey, startOfMonth } from '#lib/core/dates.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { judge, type Looks, type Verdict } from './uptime.ts';

/** Days of the strip. */
const DAYS = 90;
const SHOWN_OUTAGES = 10;

export interface UptimeDay extends Looks {
	/** `2026-11-21` in the zone. */
	day: string;
}

export interface UptimeMonth extends Looks {
	/** `2026-11` in the zone. */
	month: string;
	from: Date;
	to: Date;
	verdict: Verdict;
	/** Those that were none of ours, and how long of them lies in the month. */
	outages: number;
	downMs: number;
	planned: number;
	plannedMs: number;
}

export interface Outage {
	id: string;
	startedAt: Date;
	endedAt: Date | null;
	/** Code of what was seen instead of the login page: see `Seen` in domains/custom/answer.server.ts. */
	seen: string;
	planned: boolean;
}

export interface Uptime {
	slaBasisPoints: number;
	zone: string;
	/** This month and the last one. */
	months: UptimeMonth[];
	/** The last 90, today included, the oldest first; a day without looks has none. */
	days: UptimeDay[];
	/** The newest ones. */
	outages: Outage[];
}

export interface UptimeOf {
	tenantId: string;
	customerId: string;
	slaBasisPoints: number;
	/** IANA zone whose days and months are meant: the setting `general.timezone`. */
	zone: string;
}

/**
 * How an instance has been answering. Months are those of the zone; where its offset is not a whole number of hours, the
 * hour that a month begins in counts to the one before.
 */
export async function uptimeOf(tx: Tx, of: UptimeOf): Promise<Uptime> {
	const { tenantId, customerId, zone, slaBasisPoints } = of;
	const at = now();
	const thisMonth = startOfMonth(at, zone);
	const lastMonth = addMonths(at, -1, zone);
	const firstDay = atHour(at, 1 - DAYS, 0, zone);
	const from = firstDay < lastMonth ? firstDay : lastMonth;
	const known = await tx.$queryRaw<UptimeDay[]>`
		SELECT to_char(at AT TIME ZONE ${zone}, 'YYYY-MM-DD') AS day, sum(probes)::int AS probes, sum(answered)::int AS answered,
			count(*) FILTER (WHERE probes > 0)::int AS hours
		FROM tenant_uptime_hours
		WHERE tenant_id = ${tenantId}::uuid AND customer_id = ${customerId}::uuid AND at >= ${from}
		GROUP BY 1 ORDER BY 1`;
	const outages = await tx.tenantOutage.findMany({
		where: { tenantId, customerId, OR: [{ endedAt: null }, { endedAt: { gt: lastMonth } }] },
		orderBy: { startedAt: 'desc' },
		select: { id: true, startedAt: true, endedAt: true, seen: true, planned: true }
	});
	const months = [
		{ from: thisMonth, to: addMonths(at, 1, zone) },
		{ from: lastMonth, to: thisMonth }
	].map((month) => {
		const key = monthKey(month.from, zone);
		const looks = sum(known.filter(({ day }) => day.startsWith(key)));
		const minutesLeft = Math.max(0, Math.floor((month.to.getTime() - at.getTime()) / MINUTE));
		const verdict = judge(looks, minutesLeft, slaBasisPoints);
		return { month: key, ...month, ...looks, verdict, ...outagesIn(outages, month, at) };
	});
	const byDay = new Map(known.map((day) => [day.day, day]));
	const days = Array.from({ length: DAYS }, (_, n) => {
		const day = dayKey(atHour(at, n + 1 - DAYS, 12, zone), zone);
		return byDay.get(day) ?? { day, probes: 0, answered: 0, hours: 0 };
	});
	return { slaBasisPoints, zone, months, days, outages: outages.slice(0, SHOWN_OUTAGES) };
}

function sum(days: Looks[]): Looks {
	const total = { probes: 0, answered: 0, hours: 0 };
	for (const { probes, answered, hours } of days) {
		total.probes += probes;
		total.answered += answered;
		total.hours += hours;
	}
	return total;
}

function outagesIn(
	outages: Outage[],
	{ from, to }: { from: Date; to: Date },
	at: Date
): Pick<UptimeMonth, 'outages' | 'downMs' | 'planned' | 'plannedMs'> {
	const total = { outages: 0, downMs: 0, planned: 0, plannedMs: 0 };
	for (const { startedAt, endedAt, planned } of outages) {
		const begins = Math.max(startedAt.getTime(), from.getTime());
		const ends = Math.min((endedAt ?? at).getTime(), to.getTime());
		if (ends < begins || startedAt >= to) continue;
		total[planned ? 'planned' : 'outages'] += 1;
		total[planned ? 'plannedMs' : 'downMs'] += ends - begins;
	}
	return total;
}

/** This month of each instance, for lists. */
export async function monthOf(
	tx: Tx,
	tenantIds: string[],
	zone: string
): Promise<Map<string, Looks & { verdict: Verdict }>> {
	const at = now();
	const minutesLeft = Math.floor((addMonths(at, 1, zone).getTime() - at.getTime()) / MINUTE);
	const rows = await tx.$queryRaw<(Looks & { id: string; sla: number })[]>`
		SELECT tenant.id, plan.sla_basis_points AS sla, coalesce(sum(hour.probes), 0)::int AS probes,
			coalesce(sum(hour.answered), 0)::int AS answered, count(hour.at) FILTER (WHERE hour.probes > 0)::int AS hours
		FROM tenant_deployments tenant JOIN plans plan ON plan.id = tenant.plan_id
		LEFT JOIN tenant_uptime_hours hour ON hour.tenant_id = tenant.id AND hour.at >= ${startOfMonth(at, zone)}
		WHERE tenant.id = ANY(${tenantIds}::uuid[]) GROUP BY tenant.id, plan.sla_basis_points`;
	return new Map(
		rows.map(({ id, sla, ...looks }) => [id, { ...looks, verdict: judge(looks, minutesLeft, sla) }])
	);
}

/**
 * The instances whose month stands so. Only who was down this month can be below its promise, so only they are counted.
 */
export async function tenantsBelow(
	tx: Tx,
	verdict: 'at_risk' | 'missed',
	zone: string
): Promise<string[]> {
	const since = startOfMonth(now(), zone);
	const down = await tx.$queryRaw<{ id: string }[]>`
		SELECT DISTINCT tenant_id AS id FROM tenant_outages WHERE ended_at IS NULL AND NOT planned
		UNION SELECT tenant_id FROM tenant_outages WHERE ended_at >= ${since} AND NOT planned`;
	const months = await monthOf(
		tx,
		down.map(({ id }) => id),
		zone
	);
	return [...months].flatMap(([id, month]) => (month.verdict === verdict ? [id] : []));
}
