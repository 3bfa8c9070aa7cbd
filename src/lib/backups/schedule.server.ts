import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { requestBackup } from './backups.server.ts';

/** So many begin at one look: archives are written by the nodes that also run the instances. */
const AT_ONCE = 20;
/** A new instance is left alone at first, and so is one whose last backup failed. */
const BREATH = HOUR;

/**
 * Asks for a backup of every live instance whose last one is older than its plan promises, the longest waiting first.
 * The plan is read each time, so that another plan is another rhythm at once. What is on its way to another node waits: its
 * move takes a copy of its own.
 * @returns how many were asked for
 */
export async function backUpWhatIsDue(): Promise<number> {
	const at = now();
	const breath = after(at, -BREATH);
	const due = await db.$queryRaw<{ id: string }[]>`
		SELECT tenant.id FROM tenant_deployments tenant
		JOIN plans plan ON plan.id = tenant.plan_id
		JOIN lxc_containers container ON container.id = tenant.container_id AND container.move_to_node_id IS NULL
		LEFT JOIN LATERAL (
			SELECT max(started_at) FILTER (WHERE status = 'succeeded') AS taken,
				max(started_at) FILTER (WHERE status = 'failed') AS failed,
				count(*) FILTER (WHERE status = 'running') AS running
			FROM backups WHERE backups.tenant_id = tenant.id AND backups.started_at > ${after(at, -400 * 24 * HOUR)}
		) backup ON true
		WHERE tenant.status IN ('active', 'degraded', 'suspended')
			AND tenant.activated_at < ${breath} AND backup.running = 0
			AND (backup.failed IS NULL OR backup.failed < ${breath})
			AND (backup.taken IS NULL OR backup.taken <= ${at}::timestamptz - plan.backup_interval_hours * interval '1 hour')
		ORDER BY backup.taken NULLS FIRST, tenant.activated_at LIMIT ${AT_ONCE}`;
	let asked = 0;
	for (const { id } of due) {
		try {
			await transaction((tx) => requestBackup(tx, id, 'scheduled'));
			asked += 1;
		} catch (error) {
			// Somebody was faster, or it went meanwhile: the next look sees what is so.
			if (!(error instanceof AppError)) throw error;
		}
	}
	return asked;
}
