import { Prisma } from '#prisma/generated/client.ts';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { containersUntilFull, daysUntilFull } from '../metrics/trend.server.ts';

/** What the trend is drawn from, and the least of it that says something: see metrics/trend.server.ts. */
const LOOK_BACK = 14 * DAY;
const LEAST = 3 * DAY;
/** Older than this the last value is one of the past. */
const FRESH = 2 * DAY;
/** A disk that does not fill up is full in so many days at the soonest: that is known, too. */
const NEVER = 3_650;

export interface DiskDays {
	id: string;
	name: string;
	/** Null for a node. */
	vmid: number | null;
	/** Until the disk is full if it goes on as in the last two weeks, at most ten years; null: nobody knows. */
	days: number | null;
}

const SUBJECTS = {
	node: Prisma.sql`SELECT id, name, NULL::int AS vmid FROM proxmox_nodes WHERE removed_at IS NULL`,
	container: Prisma.sql`SELECT id, hostname AS name, vmid FROM lxc_containers
		WHERE status = 'running' AND purpose <> 'template'`
};

/**
 * When the disk of every node, or of every running container, will be full: the figure that its page shows. What does not
 * fill up has one as well, or an alert about it would never close.
 */
export async function diskDays(tx: Tx, of: 'node' | 'container'): Promise<DiskDays[]> {
	const until = of === 'node' ? await daysUntilFull(tx) : await containersUntilFull(tx);
	const at = now();
	const rows = await tx.$queryRaw<
		{ id: string; name: string; vmid: number | null; isKnown: boolean }[]
	>`
		SELECT subject.*, coalesce(day.last > ${after(at, -FRESH)} AND day.last - day.first >= make_interval(secs => ${LEAST / 1000}), false) AS "isKnown"
		FROM (${SUBJECTS[of]}) subject
		LEFT JOIN (
			SELECT subject_id, min(at) AS first, max(at) AS last FROM resource_metrics_daily
			WHERE at > ${after(at, -LOOK_BACK)} AND disk_max_gb IS NOT NULL GROUP BY subject_id
		) day ON day.subject_id = subject.id
		ORDER BY subject.name`;
	return rows.map(({ isKnown, ...subject }) => ({
		...subject,
		days: until.get(subject.id)?.disk ?? (isKnown ? NEVER : null)
	}));
}
