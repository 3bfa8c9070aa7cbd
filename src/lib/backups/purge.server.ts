import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { removeArchive } from './containerBackups.server.ts';
import { removeDump } from './databaseBackups.server.ts';

/** Removes the backups whose time is over; one that cannot be removed now is tried again the next time. */
export async function purgeBackups(): Promise<void> {
	const over = await db.backup.findMany({
		where: { status: 'succeeded', purgeAfter: { lte: now() } },
		orderBy: { purgeAfter: 'asc' },
		take: 100
	});
	for (const { id, kind, nodeId, containerId, location, customerId, tenantId } of over) {
		if (!location || !nodeId || !containerId) continue;
		const trace = { customerId, subjectId: tenantId };
		try {
			if (kind === 'container') await removeArchive({ nodeId, location }, trace);
			else await removeDump({ containerId, location }, trace);
			await db.backup.update({ where: { id }, data: { status: 'deleted', error: null } });
		} catch (error) {
			log.warn({ err: error, backup: id }, 'a backup could not be removed');
			const message = error instanceof Error ? error.message : String(error);
			await db.backup.update({ where: { id }, data: { error: message.slice(0, 2_000) } });
		}
	}
}
