import type { Tx } from '#lib/core/db.server.ts';
import type { ActName } from './actForms.ts';
import { breaksBackups, refusalOf, type ActRefusal, type ActSubject } from './actRules.ts';

/**
 * Whether a run is at work on one of a container's instances, or on the container itself, or brings an instance there or
 * takes away what one left. A move whose time has not come holds nobody.
 */
export async function isHeld(tx: Tx, containerId: string): Promise<boolean> {
	const rows = await tx.$queryRaw<{ id: string }[]>`
		SELECT run.id FROM provisioning_jobs run
		WHERE run.status IN ('queued', 'running', 'waiting', 'compensating') AND run.reason IS DISTINCT FROM 'not_before'
			AND (run.id = (SELECT created_by_job_id FROM lxc_containers WHERE id = ${containerId}::uuid)
				OR run.subject_id = ${containerId}::uuid
				OR run.subject_id IN (SELECT id FROM tenant_deployments WHERE container_id = ${containerId}::uuid)
				OR run.subject_id IN (SELECT unnest(ARRAY[move.id, move.tenant_id]) FROM tenant_migrations move
					WHERE move.status IN ('planned', 'running', 'confirming') AND move.container_move_id IS NULL
						AND ${containerId}::uuid IN (move.from_container_id, move.to_container_id)))
		LIMIT 1`;
	return rows.length > 0;
}

async function isBackedUp(tx: Tx, containerId: string): Promise<boolean> {
	const running = await tx.backup.findFirst({
		where: { status: 'running', OR: [{ containerId }, { tenant: { containerId } }] },
		select: { id: true }
	});
	return running !== null;
}

/** Why an act cannot be asked of a container now; null: it can. */
export async function refusalNow(
	tx: Tx,
	act: ActName,
	container: ActSubject & { id: string }
): Promise<ActRefusal | null> {
	const own = refusalOf(act, container);
	if (own) return own;
	const unfinished = await tx.containerAct.findFirst({
		where: { containerId: container.id, status: { in: ['queued', 'running'] } },
		select: { id: true }
	});
	if (unfinished) return 'busy';
	if (await isHeld(tx, container.id)) return 'held';
	return breaksBackups(act) && (await isBackedUp(tx, container.id)) ? 'backup' : null;
}
