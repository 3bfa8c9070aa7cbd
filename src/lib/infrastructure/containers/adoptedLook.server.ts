import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { OdooError } from '#lib/integrations/odoo/errors.ts';
import { odoo, type OdooClient } from '#lib/integrations/odoo/odoo.server.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import { recorderOf } from '../nodes/clients.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import type { FoundDatabases } from './databases.ts';

/** Databases that are looked into; of more there are only the names. */
const MOST = 50;
/** For a container whose Odoo has not said its version yet: what is only read is the same in all. */
const ANY_VERSION = 18;

/** Lists the databases of an adopted container. Only reads: psql's questions, and how much its folders hold. */
async function lookIntoAdopted(containerId: string): Promise<void> {
	const container = await db.container.findFirst({
		where: { id: containerId, adopted: true, status: { not: 'deleted' } },
		select: { vmid: true, nodeId: true, odooVersion: true }
	});
	if (!container) return;
	const found = await findDatabases(containerId, container);
	await transaction(async (tx) => {
		await tx.container.updateMany({
			where: { id: containerId, adopted: true },
			data: {
				databases: found,
				...(found.version === null ? {} : { odooVersion: `${found.version}.0` })
			}
		});
		await publish(tx, 'staff:containers', containerId);
	});
}

async function findDatabases(
	containerId: string,
	{ vmid, nodeId }: { vmid: number; nodeId: string }
): Promise<FoundDatabases> {
	const said = (found: Partial<FoundDatabases>): FoundDatabases => ({
		at: now().toISOString(),
		version: null,
		problem: null,
		detail: null,
		databases: [],
		...found
	});
	const shared = await sshOn(nodeId);
	try {
		const client = odoo(
			{ version: ANY_VERSION, patienceMs: 0 },
			shared.client.inside(vmid),
			recorderOf({ subjectId: containerId })
		);
		const version = await unlessOdoo(() => client.version());
		const names = await client.listDatabases();
		const databases: FoundDatabases['databases'] = [];
		for (const [index, name] of names.entries())
			databases.push(
				index < MOST
					? await describe(client, name)
					: { name, state: 'unknown', users: null, diskMb: null }
			);
		return said({ version, databases });
	} catch (error) {
		if (!(error instanceof VendorError)) throw error;
		return said({ problem: problemOf(error), detail: error.message.slice(0, 300) });
	} finally {
		shared.release();
	}
}

async function describe(
	client: OdooClient,
	name: string
): Promise<FoundDatabases['databases'][number]> {
	const state = await unlessOdoo(() => client.databaseState(name));
	const measured = state === 'ready' ? await unlessOdoo(() => client.measure(name)) : null;
	return {
		name,
		state: state ?? 'unknown',
		users: measured?.users ?? null,
		diskMb: measured?.diskMb ?? null
	};
}

/** Null where what answers is not as we know it; that nobody answers is thrown on. */
async function unlessOdoo<T>(ask: () => Promise<T>): Promise<T | null> {
	try {
		return await ask();
	} catch (error) {
		// A name with letters that no database of ours has, an Odoo that lies elsewhere.
		if (error instanceof OdooError || error instanceof TypeError) return null;
		throw error;
	}
}

function problemOf(error: VendorError): FoundDatabases['problem'] {
	if (error instanceof OdooError) return 'no_postgres';
	if (error instanceof SshError && error.kind === 'not_running') return 'not_running';
	return error instanceof SshError && error.kind !== 'not_here' ? 'unreachable' : 'failed';
}

defineJob({
	name: 'infrastructure.look-into-adopted',
	payload: z.object({ containerId: z.uuid() }),
	run: ({ containerId }) => lookIntoAdopted(containerId),
	queue: { retryLimit: 2 }
});
