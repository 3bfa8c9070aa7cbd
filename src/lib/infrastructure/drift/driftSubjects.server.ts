import type { Tx } from '#lib/core/db.server.ts';
import type { Drift } from '#prisma/generated/client.ts';

/** What a difference is about, for people; null where the container is in no books of ours. */
export interface DriftSubject {
	containerId: string;
	vmid: number;
	hostname: string;
	node: string;
}

/** The containers that a page of differences is about, in one query. */
export async function subjectsOf(tx: Tx, drifts: Drift[]): Promise<Map<string, DriftSubject>> {
	const ids = drifts.flatMap(({ subjectType, subjectId }) =>
		subjectType === 'container' ? [subjectId] : []
	);
	const rows = await tx.container.findMany({
		where: { id: { in: ids } },
		select: { id: true, vmid: true, hostname: true, node: { select: { name: true } } }
	});
	return new Map(
		rows.map(({ id, vmid, hostname, node }) => [
			id,
			{ containerId: id, vmid, hostname, node: node.name }
		])
	);
}
