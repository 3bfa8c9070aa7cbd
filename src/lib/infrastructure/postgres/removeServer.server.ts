import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { refusalNow } from '../containers/actRefusals.server.ts';
import { destroyMarked } from '../containers/removal.server.ts';
import { askCluster } from '../nodes/clients.server.ts';
import { PLACEMENT_LOCK, releaseContainer } from '../placement/placement.server.ts';
import { servedBy } from './servers.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.remove-database-server': { containerId: string };
	}
}

/** More than so many names are none for a sentence. */
const NAMED = 5;

/**
 * Takes a server of databases out of use and asks for it to be destroyed: from here on nothing is attached to it.
 * @throws {AppError} NOT_FOUND unless we made it, BAD_INPUT beside the name while somebody has databases there or
 * something is under way with it
 */
export async function requestRemoval(tx: Tx, id: string, by: Actor): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const row = await tx.container.findUnique({ where: { id } });
	if (!row || row.purpose !== 'postgres' || row.adopted || row.status === 'deleted')
		throw new AppError('NOT_FOUND');
	const served = await servedBy(tx, id);
	if (served.length > 0) {
		const names = served.slice(0, NAMED).map(({ vmid, hostname }) => `CT ${vmid} ${hostname}`);
		const more = served.length > NAMED ? ' …' : '';
		refuse(m.dbserver_in_use({ containers: names.join(', ') + more }));
	}
	// One that is going already is asked again: what stopped it may be over.
	if (!row.retiring && (await refusalNow(tx, 'stop', row))) refuse(m.dbserver_busy());
	await tx.container.update({ where: { id }, data: { retiring: true, wantedRunning: false } });
	await enqueue(tx, 'infrastructure.remove-database-server', { containerId: id }, { key: id });
	await audit(tx, {
		actor: by,
		action: 'infrastructure.database-server-remove',
		subject: { type: 'container', id },
		before: { vmid: row.vmid, hostname: row.hostname }
	});
	await publish(tx, 'staff:containers', id);
}

function refuse(confirm: string): never {
	throw new AppError('BAD_INPUT', { fields: { confirm } });
}

/**
 * Destroys one that goes, and gives back its room. May run any number of times.
 * @throws {ProxmoxError} until nothing is left of it: the queue tries again
 */
export async function removeServer(containerId: string, signal: AbortSignal): Promise<void> {
	const row = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		include: { node: { select: { name: true } } }
	});
	if (row.status === 'deleted' || !row.retiring || row.purpose !== 'postgres') return;
	const { clusterId, vmid, taskUpid } = row;
	await askCluster(clusterId, { subjectId: containerId }, (proxmox) =>
		destroyMarked(proxmox, { containerId, nodeName: row.node.name, vmid, taskUpid }, signal)
	);
	await transaction((tx) => releaseContainer(tx, containerId));
}
