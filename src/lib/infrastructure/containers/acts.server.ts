import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { Prisma, type Container, type ContainerAct } from '#prisma/generated/client.ts';
import type { Wish } from './actForms.ts';
import './actJobs.server.ts';
import { promisedOn } from '../postgres/connections.ts';
import { refusalNow } from './actRefusals.server.ts';
import { announce, begunOf, wishOf } from './actRow.server.ts';
import { kept } from './actSteps.ts';
import { refusalSentence } from './actWords.ts';
import { holdGrowth } from './growth.server.ts';

/**
 * Asks something of a container: the row and its job are there when `tx` commits, and a worker does it. Of two who ask at
 * once one is refused. What `resize` wants is promised here, so that nobody else is placed there; where what was made ahead for
 * others is in the way it goes, and the worker waits for the room.
 * @throws {AppError} NOT_FOUND; CONTAINER_ACT_REFUSED with the reason; BAD_INPUT and NO_ROOM_TO_GROW with fields
 */
export async function askForAct(
	tx: Tx,
	containerId: string,
	wish: Wish,
	by: Actor
): Promise<ContainerAct> {
	const container = await locked(tx, containerId);
	await checkAllowed(tx, wish, container);
	const before =
		wish.act === 'resize' ? await promise(tx, container, wish) : { status: container.status };
	const { act, ...params } = wish;
	const row = await tx.containerAct.create({
		data: { containerId, act, params, byId: by.id, byLabel: by.label }
	});
	await meant(tx, containerId, wish);
	await audit(tx, {
		actor: by,
		action: `infrastructure.container-${act.replace('_', '-')}`,
		subject: { type: 'container', id: containerId },
		before: wish.act === 'resize' ? before : undefined,
		after: { hostname: container.hostname, vmid: container.vmid, ...params }
	});
	await begin(tx, row);
	return row;
}

/**
 * Tries a failed act again, the same one: it looks first, so that what was done after all is not done twice.
 * @throws {AppError} NOT_FOUND; WRONG_STATE when it has not failed; CONTAINER_ACT_REFUSED
 */
export async function retryAct(
	tx: Tx,
	containerId: string,
	actId: string,
	by: Actor
): Promise<ContainerAct> {
	const container = await locked(tx, containerId);
	const act = await tx.containerAct.findFirst({ where: { id: actId, containerId } });
	if (!act) throw new AppError('NOT_FOUND');
	if (act.status !== 'failed')
		throw new AppError('WRONG_STATE', { params: { from: act.status, to: 'queued' } });
	const wish = wishOf(act);
	await checkAllowed(tx, wish, container);
	// The failure gave the promise back.
	if (wish.act === 'resize') await promise(tx, container, wish);
	const begun = kept(begunOf(act));
	const row = await tx.containerAct.update({
		where: { id: actId },
		data: {
			status: 'queued',
			error: null,
			startedAt: null,
			finishedAt: null,
			begun: begun ? { ...begun } : Prisma.DbNull,
			...(begun?.ended === null || begun?.ended === 'OK' ? {} : { taskUpid: null })
		}
	});
	await meant(tx, containerId, wish);
	await audit(tx, {
		actor: by,
		action: 'infrastructure.container-retry',
		subject: { type: 'container', id: containerId },
		after: { hostname: container.hostname, vmid: container.vmid, act: act.act }
	});
	await begin(tx, row);
	return row;
}

/** Whoever begins something on a container holds it, so that of two who ask at once one is refused. */
export function actLockOf(containerId: string): string {
	return `infrastructure.act:${containerId}`;
}

async function locked(tx: Tx, containerId: string): Promise<Container> {
	await lock(tx, actLockOf(containerId));
	const container = await tx.container.findFirst({
		where: { id: containerId, status: { not: 'deleted' } }
	});
	if (!container) throw new AppError('NOT_FOUND');
	return container;
}

async function checkAllowed(tx: Tx, { act }: Wish, container: Container): Promise<void> {
	const refusal = await refusalNow(tx, act, container);
	if (refusal)
		throw new AppError('CONTAINER_ACT_REFUSED', {
			params: { reason: refusalSentence(refusal) },
			detail: `${act} of CT ${container.vmid}: ${refusal}`
		});
}

/** @returns the limits that it had */
async function promise(tx: Tx, container: Container, wish: Extract<Wish, { act: 'resize' }>) {
	const has = {
		cpuCores: container.cpuCores,
		ramMb: container.ramMb,
		diskGb: container.diskGb
	};
	const wanted = { cpuCores: wish.cpu_cores, ramMb: wish.ram_mb, diskGb: wish.disk_gb };
	if (wanted.diskGb < has.diskGb)
		throw new AppError('BAD_INPUT', {
			fields: { disk_gb: m.container_resize_grows_only({ gb: has.diskGb }) }
		});
	const node = await tx.node.findUniqueOrThrow({ where: { id: container.nodeId } });
	if (wanted.cpuCores > node.cpuTotal)
		throw new AppError('BAD_INPUT', {
			fields: { cpu_cores: m.container_resize_node_cores({ cores: node.cpuTotal }) }
		});
	if (container.purpose === 'postgres') await keepsItsPromises(tx, container.id, wanted.ramMb);
	const { reasons } = await holdGrowth(tx, container.id, wanted);
	const lacking = reasons.flatMap((reason): [string, string][] =>
		'free' in reason
			? [[FIELDS[reason.code], m.container_resize_no_room({ free: Math.floor(reason.free) })]]
			: []
	);
	if (lacking.length > 0)
		throw new AppError('NO_ROOM_TO_GROW', { fields: Object.fromEntries(lacking) });
	return has;
}

/** A server of databases takes fewer connections with less memory. @throws {AppError} BAD_INPUT beside the memory */
async function keepsItsPromises(tx: Tx, id: string, ramMb: number): Promise<void> {
	const served = await tx.container.findMany({
		where: { postgresContainerId: id, status: { not: 'deleted' } },
		select: { cpuCores: true, ramMb: true }
	});
	const { promised, most } = promisedOn(ramMb, served);
	if (promised > most)
		throw new AppError('BAD_INPUT', {
			fields: { ram_mb: m.dbserver_promised_more({ most, promised }) }
		});
}

const FIELDS = { cpuCores: 'cpu_cores', ramMb: 'ram_mb', diskGb: 'disk_gb' } as const;

/** Whether it is meant to run follows what is asked for; the other acts leave it as it is. */
async function meant(tx: Tx, id: string, { act }: Wish): Promise<void> {
	const wantedRunning =
		act === 'stop' ? false : act === 'start' || act === 'restart' ? true : undefined;
	if (wantedRunning !== undefined)
		await tx.container.update({ where: { id }, data: { wantedRunning } });
}

async function begin(tx: Tx, { id, containerId }: ContainerAct): Promise<void> {
	await enqueue(tx, 'infrastructure.act', { actId: id }, { key: containerId });
	await announce(tx, containerId);
}
