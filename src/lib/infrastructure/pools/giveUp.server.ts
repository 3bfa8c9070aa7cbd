import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import './poolNotice.server.ts';
import type { GiveUpReason } from './poolPlan.ts';
import { UNFINISHED } from './poolWorld.server.ts';

/**
 * Lets a container that was made ahead be taken down, as part of `tx`: from here on nobody gets it. Its room is free once
 * Proxmox has nothing of it any more. The caller holds the lock of placements; one that somebody has got stays theirs.
 */
export async function giveUpWarm(tx: Tx, containerId: string, why: GiveUpReason): Promise<void> {
	const { count } = await tx.container.updateMany({
		where: {
			...{ id: containerId, warmPlanId: { not: null }, retiring: false },
			status: { not: 'deleted' }
		},
		data: { retiring: true }
	});
	if (count === 0) return;
	const row = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	await audit(tx, {
		actor: SYSTEM,
		action: 'infrastructure.give-up-warm',
		subject: { type: 'container', id: containerId },
		after: { vmid: row.vmid, hostname: row.hostname, why }
	});
	const making = await tx.provisioningJob.findFirst({
		where: { id: row.createdByJobId ?? undefined, status: { in: [...UNFINISHED] } },
		select: { id: true }
	});
	// Who makes it sees that nobody wants it any more, and takes it back itself.
	if (making) await wakeSaga(tx, making.id, true);
	else await destroySoon(tx, containerId);
	await publish(tx, ['staff:containers', 'staff:nodes'], containerId);
}

/** Asks for what is left of a container that was given up to be destroyed. */
export async function destroySoon(tx: Tx, containerId: string): Promise<void> {
	await enqueue(tx, 'infrastructure.destroy-warm', { containerId }, { key: containerId });
}
