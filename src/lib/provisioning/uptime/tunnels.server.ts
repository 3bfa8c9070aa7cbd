import { transaction } from '#lib/core/db.server.ts';
import { closeAlerts, openAlert } from '#lib/notifications/alerts.server.ts';
import type { Look } from './probe.server.ts';

const SILENT = 'provisioning.tunnel-silent';
/** Of one instance alone its own alert says more. */
const SEVERAL = 2;

/**
 * Where no instance behind a tunnel answers, the tunnel is what somebody has to mend: one alert says so, and none is opened
 * of each instance. While Cloudflare itself calls the tunnel down, that is the alert.
 * @param most misses in a row after which somebody is told
 * @returns ids of the tunnels through which nothing was seen
 */
export async function tellOfTunnels(
	looks: Look[],
	most: number,
	missesOf: (look: Look) => number
): Promise<Set<string>> {
	const silent = new Map<string, Look[]>();
	for (const [id, behind] of byTunnel(looks)) {
		const isSilent = behind.length >= SEVERAL && behind.every(({ seen }) => !seen.ok);
		if (id !== null && isSilent) silent.set(id, behind);
	}
	const due = [...silent].filter(([, behind]) => behind.some((look) => missesOf(look) >= most));
	await transaction(async (tx) => {
		const known = await tx.alert.findMany({
			where: {
				closedAt: null,
				subjectType: 'tunnel',
				rule: { in: [SILENT, 'domains.tunnel-down'] }
			},
			select: { id: true, rule: true, subjectId: true }
		});
		const down = known.flatMap(({ rule, subjectId }) => (rule === SILENT ? [] : [subjectId]));
		const over = known.filter(
			({ rule, subjectId }) =>
				rule === SILENT && (!silent.has(subjectId) || down.includes(subjectId))
		);
		if (over.length > 0)
			await closeAlerts(tx, { rule: SILENT, id: { in: over.map(({ id }) => id) } });
		for (const [id, behind] of due) {
			if (down.includes(id)) continue;
			const { tunnel, seen } = behind[0]!;
			const data = { tunnel, count: behind.length, seen: seen.detail };
			const subject = { rule: SILENT, subjectType: 'tunnel', subjectId: id };
			await openAlert(tx, { ...subject, severity: 'critical', data });
		}
	});
	return new Set(silent.keys());
}

/** What we keep off the air ourselves says nothing of its tunnel. */
function byTunnel(looks: Look[]): Map<string | null, Look[]> {
	return Map.groupBy(
		looks.filter(({ planned }) => !planned),
		({ tunnelId }) => tunnelId
	);
}
