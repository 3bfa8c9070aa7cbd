import { z } from 'zod';
import type { Uptime } from './uptime.server.ts';
import { shareOf } from './uptime.ts';

const looks = {
	probes: z.number().int(),
	answered: z.number().int(),
	/** 0–1; null without a look. */
	share: z.number().nullable()
};

/** What the API says of an instance's uptime. */
export const uptimeSchema = z.object({
	tenant_id: z.uuid(),
	/** What its plan promises: 9950 is 99.5 %. */
	sla_basis_points: z.number().int(),
	timezone: z.string(),
	/** This calendar month and the last one, in that zone. */
	months: z.array(
		z.object({
			month: z.string(),
			from: z.date(),
			to: z.date(),
			...looks,
			/** `unknown`: less than a day was looked at */
			verdict: z.enum(['met', 'at_risk', 'missed', 'unknown']),
			outages: z.number().int(),
			down_seconds: z.number().int(),
			/** Taken off the air by ourselves: not in the share. */
			planned_outages: z.number().int(),
			planned_seconds: z.number().int()
		})
	),
	days: z.array(z.object({ day: z.iso.date(), ...looks })),
	outages: z.array(
		z.object({
			id: z.uuid(),
			started_at: z.date(),
			ended_at: z.date().nullable(),
			/** `edge_1033`, `http_502`, `other_database`, `timeout` … */
			seen: z.string(),
			planned: z.boolean()
		})
	)
});

export function uptimeView(tenantId: string, uptime: Uptime): z.input<typeof uptimeSchema> {
	const seconds = (ms: number) => Math.round(ms / 1_000);
	return {
		tenant_id: tenantId,
		sla_basis_points: uptime.slaBasisPoints,
		timezone: uptime.zone,
		months: uptime.months.map((month) => ({
			...{ month: month.month, from: month.from, to: month.to, verdict: month.verdict },
			...{ probes: month.probes, answered: month.answered, share: shareOf(month) },
			...{ outages: month.outages, down_seconds: seconds(month.downMs) },
			...{ planned_outages: month.planned, planned_seconds: seconds(month.plannedMs) }
		})),
		days: uptime.days.map((day) => ({
			...{ day: day.day, probes: day.probes, answered: day.answered, share: shareOf(day) }
		})),
		outages: uptime.outages.map(({ id, startedAt, endedAt, seen, planned }) => ({
			...{ id, started_at: startedAt, ended_at: endedAt, seen, planned }
		}))
	};
}
