import { db } from '#lib/core/db.server.ts';
import type { Trace } from '#lib/infrastructure/nodes/clients.server.ts';
import { odooIn } from '#lib/infrastructure/containers/odooClient.server.ts';
import { sshOn } from '#lib/infrastructure/nodes/sshPool.server.ts';
import type { Backup } from '#prisma/generated/client.ts';
import type { Dump } from './backups.server.ts';

/** Beside Odoo's own data, where its user may write. */
const FOLDER = '/var/lib/odoo/backups';

/**
 * Writes a tenant's database with its filestore to a file inside its container; size and digest are read back from the
 * file. The name is the backup's own, so that a second try after a crash replaces the first.
 */
export async function dumpDatabase(backup: Backup, trace: Trace): Promise<Dump> {
	const { databaseName } = await db.tenant.findUniqueOrThrow({
		where: { id: backup.tenantId },
		select: { databaseName: true }
	});
	const containerId = backup.containerId!;
	const location = `${FOLDER}/${backup.id}.zip`;
	await makeFolder(containerId);
	const odoo = await odooIn(containerId, trace);
	try {
		return { done: true, archive: { location, ...(await odoo.dump(databaseName, location)) } };
	} finally {
		await odoo.close();
	}
}

async function makeFolder(containerId: string): Promise<void> {
	const { nodeId, vmid } = await db.container.findUniqueOrThrow({ where: { id: containerId } });
	const ssh = await sshOn(nodeId);
	try {
		const made = await ssh.client.pctExec(
			vmid,
			['runuser', '-u', 'odoo', '--', 'mkdir', '-p', FOLDER],
			{
				call: null
			}
		);
		if (made.code !== 0)
			throw new Error(`no folder for backups: ${made.stderr.trim().slice(0, 300)}`);
	} finally {
		ssh.release();
	}
}

/** Removes a dump from the container that holds it; with the container it went by itself. */
export async function removeDump(
	{ containerId, location }: { containerId: string; location: string },
	trace: Trace
): Promise<void> {
	const { status } = await db.container.findUniqueOrThrow({ where: { id: containerId } });
	if (status === 'deleted') return;
	const odoo = await odooIn(containerId, trace);
	try {
		await odoo.removeFile(location);
	} finally {
		await odoo.close();
	}
}
