import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { compensateSaga, retrySaga, startSaga } from '#lib/core/saga.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { reserveBare } from '../placement/reserveBare.server.ts';
import { makeServerSaga } from './makeServer.server.ts';
import type { ServerInput } from './serverForms.ts';

/**
 * Takes the place of a server of databases, VMID and address included, and begins to make it.
 * @returns the container's id
 * @throws {AppError} BAD_INPUT beside the node when it is not online or has no room, beside the name when it is taken
 */
export async function requestServer(tx: Tx, input: ServerInput, by: Actor): Promise<string> {
	const { image, name: hostname } = input;
	const row = await reserveBare(tx, input, { purpose: 'postgres', hostname: () => hostname });
	const { id, clusterId, vmid, cpuCores, ramMb, diskGb } = row;
	const namesake = { clusterId, hostname, id: { not: id }, status: { not: 'deleted' as const } };
	if ((await tx.container.count({ where: namesake })) > 0)
		throw new AppError('BAD_INPUT', { fields: { name: m.dbserver_name_taken() } });
	const about = { subjectId: id, customerId: null, state: { image } };
	const jobId = await startSaga(tx, makeServerSaga, about);
	await tx.container.update({ where: { id }, data: { createdByJobId: jobId } });
	await audit(tx, {
		actor: by,
		action: 'infrastructure.database-server-make',
		subject: { type: 'container', id },
		after: { vmid, node: row.nodeName, hostname, cpuCores, ramMb, diskGb }
	});
	await publish(tx, 'staff:containers', id);
	return id;
}

/** Takes up one that failed where it failed. @throws {AppError} NOT_FOUND, WRONG_STATE when it has not failed */
export async function retryServer(tx: Tx, id: string, by: Actor): Promise<void> {
	await retrySaga(tx, await runOf(tx, id));
	await noted(tx, id, by, 'database-server-retry');
}

/** Gives one that failed up: what it made is taken away. @throws {AppError} NOT_FOUND, WRONG_STATE when it has not failed */
export async function giveUpServer(tx: Tx, id: string, by: Actor): Promise<void> {
	await compensateSaga(tx, await runOf(tx, id), `given up by ${by.label}`);
	await noted(tx, id, by, 'database-server-give-up');
}

async function runOf(tx: Tx, id: string): Promise<string> {
	const where = { id, purpose: 'postgres' as const, adopted: false };
	const row = await tx.container.findFirst({ where, select: { createdByJobId: true } });
	if (!row?.createdByJobId) throw new AppError('NOT_FOUND');
	return row.createdByJobId;
}

async function noted(tx: Tx, id: string, by: Actor, verb: string): Promise<void> {
	await audit(tx, {
		actor: by,
		action: `infrastructure.${verb}`,
		subject: { type: 'container', id }
	});
	await publish(tx, 'staff:containers', id);
}
