import type { Tx } from '#lib/core/db.server.ts';
import type { Container } from '#prisma/generated/client.ts';
import type { MoveRefusal } from '../moveWords.ts';

type Subject = Pick<
	Container,
	'id' | 'nodeId' | 'purpose' | 'status' | 'adopted' | 'retiring' | 'wantedRunning' | 'warmPlanId'
>;

/**
 * Why a container can never be moved as it is, whoever is at it now; null: nothing speaks against it. What is prepared for
 * nobody yet is made anew elsewhere instead.
 */
export function moveRefusalOf(container: Omit<Subject, 'id' | 'nodeId'>): MoveRefusal | null {
	if (container.purpose === 'template') return 'template';
	if (container.adopted) return 'adopted';
	if (container.purpose === 'postgres') return 'postgres';
	if (container.warmPlanId !== null) return 'warm';
	if (container.status === 'provisioning') return 'being_made';
	if (container.retiring || container.status === 'deleted') return 'retiring';
	return null;
}

/**
 * Why a container cannot be moved now, whatever the target; null: it can. Under the lock of its acts, so that of two who ask
 * at once one is refused.
 * @param besides a planned move that does not count, since it is the one that begins
 */
export async function moveRefusalNow(
	tx: Tx,
	container: Subject,
	besides?: { moveId: string }
): Promise<MoveRefusal | null> {
	const own = moveRefusalOf(container);
	if (own) return own;
	const node = await tx.node.findUniqueOrThrow({
		where: { id: container.nodeId },
		select: { status: true, haltedAt: true, removedAt: true }
	});
	if (node.removedAt || node.status === 'offline' || node.haltedAt) return 'offline';
	if ((await busyOf(tx, [container.id], besides)).size > 0) return 'busy';
	return isAsItShould(container) ? null : 'not_running';
}

/** It runs exactly when it is to. */
export function isAsItShould({ wantedRunning, status }: Pick<Subject, 'wantedRunning' | 'status'>) {
	return wantedRunning === (status === 'running');
}

/**
 * Those of these containers that somebody is at, or at one of their instances. A deletion within its days of grace touches
 * nothing, and waits for the move afterwards.
 * @param besides a planned move that does not count
 */
export async function busyOf(
	tx: Tx,
	ids: string[],
	besides?: { moveId: string }
): Promise<Set<string>> {
	const moveId = besides?.moveId ?? null;
	const rows = await tx.$queryRaw<{ id: string }[]>`
		WITH inside AS (
			SELECT id, container_id FROM tenant_deployments
			WHERE container_id = ANY(${ids}::uuid[]) AND status NOT IN ('deleted', 'refunded')
		), run AS (
			SELECT id, subject_id FROM provisioning_jobs
			WHERE status IN ('queued', 'running', 'waiting', 'compensating')
				AND NOT (saga = 'tenants.delete' AND status = 'waiting' AND coalesce(reason, '') = 'grace')
		), busy AS (
			SELECT subject_id AS id FROM run
			UNION ALL SELECT inside.container_id FROM inside JOIN run ON run.subject_id = inside.id
			UNION ALL SELECT container_id FROM container_acts WHERE status IN ('queued', 'running')
			UNION ALL SELECT container_id FROM backups WHERE status = 'running'
			UNION ALL SELECT inside.container_id FROM backups JOIN inside ON inside.id = backups.tenant_id
				WHERE backups.status = 'running'
			UNION ALL SELECT container_id FROM container_moves
				WHERE status IN ('planned', 'running') AND id IS DISTINCT FROM ${moveId}::uuid
			UNION ALL SELECT place.id FROM tenant_migrations one LEFT JOIN inside ON inside.id = one.tenant_id
				CROSS JOIN LATERAL unnest(ARRAY[inside.container_id, one.from_container_id, one.to_container_id]) AS place(id)
				WHERE one.status IN ('planned', 'running', 'confirming')
					AND one.container_move_id IS DISTINCT FROM ${moveId}::uuid
		)
		SELECT container.id FROM lxc_containers container WHERE container.id = ANY(${ids}::uuid[])
			AND (container.task_upid IS NOT NULL OR container.move_to_node_id IS NOT NULL
				OR EXISTS (SELECT FROM busy WHERE busy.id = container.id)
				OR EXISTS (SELECT FROM run WHERE run.id = container.created_by_job_id))`;
	return new Set(rows.map(({ id }) => id));
}
