import type { Tx } from '#lib/core/db.server.ts';
import type { ActName } from './actForms.ts';
import {
	breaksBackups,
	refusalOf,
	takesOffTheAir,
	type ActRefusal,
	type ActSubject
} from './actRules.ts';
import type { ContainerWait } from './progress.ts';

/**
 * Whether a run is at work on one of a container's instances, or on the container itself, or brings an instance there or
 * takes away what one left. A move whose time has not come holds nobody, nor does a deletion within its days of grace.
 */
export function isHeld(tx: Tx, containerId: string): Promise<boolean> {
	return isAtWork(tx, [containerId]);
}

/** What a run with databases elsewhere waits for without touching them; one that wakes finds that the server is away. */
const AWAY: ContainerWait[] = [
	...(['database_server', 'clone_queue', 'being_made'] as const),
	...(['node_offline', 'node_maintenance', 'template_offline', 'no_quorum'] as const)
];

/**
 * Whether a run or a backup needs the databases that others have on this container, so that it must not go off the air now.
 * What waits for the server itself does not: it may have to be restarted for it.
 */
export async function isNeeded(tx: Tx, act: ActName, containerId: string): Promise<boolean> {
	if (!takesOffTheAir(act)) return false;
	const served = await tx.container.findMany({
		where: { postgresContainerId: containerId, status: { not: 'deleted' } },
		select: { id: true }
	});
	if (served.length === 0) return false;
	const ids = served.map(({ id }) => id);
	return (await isAtWork(tx, ids, AWAY)) || isBackedUp(tx, ids);
}

/** What a run waits for without touching anything. */
const IDLE = ['not_before', 'grace'];

/** @param besides what else a run may wait for without counting */
async function isAtWork(tx: Tx, ids: string[], besides: ContainerWait[] = []): Promise<boolean> {
	const idle: string[] = [...IDLE, ...besides];
	const rows = await tx.$queryRaw<object[]>`
		WITH place AS (
			SELECT id, created_by_job_id FROM lxc_containers WHERE id = ANY(${ids}::uuid[])
		), concerned AS (
			SELECT id FROM place
			UNION ALL SELECT id FROM tenant_deployments WHERE container_id IN (SELECT id FROM place)
			UNION ALL SELECT unnest(ARRAY[move.id, move.tenant_id]) FROM tenant_migrations move
				WHERE move.status IN ('planned', 'running', 'confirming') AND move.container_move_id IS NULL
					AND (move.from_container_id IN (SELECT id FROM place) OR move.to_container_id IN (SELECT id FROM place))
		)
		SELECT FROM provisioning_jobs run
		WHERE run.status IN ('queued', 'running', 'waiting', 'compensating')
			AND NOT (run.status = 'waiting' AND coalesce(run.reason, '') = ANY(${idle}::text[]))
			AND (run.subject_id IN (SELECT id FROM concerned) OR run.id IN (SELECT created_by_job_id FROM place))
		LIMIT 1`;
	return rows.length > 0;
}

async function isBackedUp(tx: Tx, ids: string[]): Promise<boolean> {
	const inside = { containerId: { in: ids } };
	const running = await tx.backup.findFirst({
		where: { status: 'running', OR: [inside, { tenant: inside }] },
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
	if (breaksBackups(act) && (await isBackedUp(tx, [container.id]))) return 'backup';
	return (await isNeeded(tx, act, container.id)) ? 'needed' : null;
}
