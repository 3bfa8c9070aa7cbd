import type { Tx } from '#lib/core/db.server.ts';
import type { Container } from '#prisma/generated/client.ts';
import type { MoveRefusal } from '../moveWords.ts';

type Subject = Pick<
	Container,
	| 'id'
	| 'nodeId'
	| 'purpose'
	| 'status'
	| 'adopted'
	| 'retiring'
	| 'wantedRunning'
	| 'taskUpid'
	| 'moveToNodeId'
	| 'warmPlanId'
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
	if (await isBusy(tx, container, besides)) return 'busy';
	if (container.wantedRunning !== (container.status === 'running')) return 'not_running';
	return null;
}

/**
 * Whether anybody is at a container or at one of its instances. A deletion within its days of grace touches nothing, and
 * waits for the move afterwards.
 */
async function isBusy(
	tx: Tx,
	{ id, taskUpid, moveToNodeId }: Subject,
	besides?: { moveId: string }
): Promise<boolean> {
	if (taskUpid !== null || moveToNodeId !== null) return true;
	const [found] = await tx.$queryRaw<{ busy: boolean }[]>`
		WITH inside AS (SELECT id FROM tenant_deployments WHERE container_id = ${id}::uuid AND status NOT IN ('deleted', 'refunded'))
		SELECT EXISTS (SELECT FROM provisioning_jobs run
				WHERE run.status IN ('queued', 'running', 'waiting', 'compensating')
					AND (run.subject_id = ${id}::uuid OR run.subject_id IN (SELECT id FROM inside)
						OR run.id = (SELECT created_by_job_id FROM lxc_containers WHERE id = ${id}::uuid))
					AND NOT (run.saga = 'tenants.delete' AND run.status = 'waiting' AND run.reason = 'grace'))
			OR EXISTS (SELECT FROM container_acts act WHERE act.container_id = ${id}::uuid AND act.status IN ('queued', 'running'))
			OR EXISTS (SELECT FROM backups backup WHERE backup.status = 'running'
				AND (backup.container_id = ${id}::uuid OR backup.tenant_id IN (SELECT id FROM inside)))
			OR EXISTS (SELECT FROM container_moves move WHERE move.container_id = ${id}::uuid
				AND move.status IN ('planned', 'running') AND move.id IS DISTINCT FROM ${besides?.moveId ?? null}::uuid)
			OR EXISTS (SELECT FROM tenant_migrations one WHERE one.status IN ('planned', 'running', 'confirming')
				AND (one.tenant_id IN (SELECT id FROM inside) OR one.to_container_id = ${id}::uuid OR one.from_container_id = ${id}::uuid)
				AND one.container_move_id IS DISTINCT FROM ${besides?.moveId ?? null}::uuid) AS busy`;
	return found?.busy === true;
}
