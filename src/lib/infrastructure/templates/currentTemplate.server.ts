import type { Tx } from '#lib/core/db.server.ts';
import { capacityAppeared } from '../nodes/waiters.server.ts';

/** New containers of its cluster are copied from it, as part of `tx`; the caller has checked that it may be. */
export async function useForNew(tx: Tx, templateId: string): Promise<void> {
	const { clusterId, odooVersion, container } = await tx.template.findUniqueOrThrow({
		where: { id: templateId },
		include: { container: { select: { vmid: true } } }
	});
	await tx.template.updateMany({ where: { clusterId, current: true }, data: { current: false } });
	await tx.template.update({ where: { id: templateId }, data: { current: true } });
	await tx.cluster.update({
		where: { id: clusterId },
		data: {
			templateVmid: container.vmid,
			odooVersion,
			templatePrefix: `tpl_${Number.parseInt(odooVersion, 10)}`
		}
	});
	// A cluster of which nothing could be sold so far may have one now.
	await capacityAppeared(tx);
}

/**
 * The template of a container that was enrolled as one; the first of its cluster is what new containers are copied from.
 * @param containerId the template's own row
 */
export async function noteEnrolled(
	tx: Tx,
	enrolled: { clusterId: string; containerId: string; odooVersion: string; at: Date }
): Promise<void> {
	const { clusterId, containerId, odooVersion, at } = enrolled;
	await tx.template.upsert({
		where: { containerId },
		create: {
			...{ clusterId, containerId, odooVersion, byLabel: 'system', createdAt: at, readyAt: at },
			status: 'ready'
		},
		update: { odooVersion }
	});
	const current = await tx.template.findFirst({
		where: { clusterId, current: true },
		select: { id: true, containerId: true }
	});
	// What staff have chosen since stays so, whatever the enrolment says of the cluster.
	if (!current) await tx.template.update({ where: { containerId }, data: { current: true } });
	else if (current.containerId !== containerId) await useForNew(tx, current.id);
}
