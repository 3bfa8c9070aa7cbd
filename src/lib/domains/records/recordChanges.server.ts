import { randomUUID } from 'node:crypto';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { RecordAct, RecordStanding } from '#prisma/generated/enums.ts';
import { audit, type Actor } from '../../logs/audit.server.ts';
import type { Needed } from './recordStanding.ts';
import { chunksOf } from './records.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'domains.apply-record-changes': { batchId: string };
	}
}

/** What can be done about a record of a standing; nothing about one that is somebody else's, or as it should be. */
export const ACT_OF: Partial<Record<RecordStanding, RecordAct>> = {
	orphan: 'delete',
	missing: 'create',
	differs: 'correct'
};

/** More at once is asked for in parts: a batch is one list to read. */
export const MOST_AT_ONCE = 5_000;

export interface Asked {
	batchId: string;
	/** How many changes wait now because of this. */
	count: number;
	/** Asked for already and not yet done, or nothing that can be done about them. */
	left: number;
}

/**
 * Asks for the act that the standing of each record calls for. What is done is decided again, record by record, when the
 * job looks at it.
 * @param ids of `zone_records`
 * @throws {AppError} BAD_INPUT for more than 5,000
 */
export async function askForChanges(tx: Tx, ids: string[], by: Actor): Promise<Asked> {
	if (ids.length > MOST_AT_ONCE) throw new AppError('BAD_INPUT');
	const batchId = randomUUID();
	const records = await tx.zoneRecord.findMany({
		where: { id: { in: ids }, standing: { in: ['orphan', 'missing', 'differs'] } },
		orderBy: [{ name: 'asc' }, { id: 'asc' }]
	});
	const waiting = await tx.recordChange.findMany({
		where: { status: 'waiting', name: { in: records.map(({ name }) => name) } },
		select: { zoneId: true, name: true, type: true, act: true, cloudflareId: true }
	});
	const asked = new Set(waiting.map(keyOf));
	const changes = records.flatMap((record) => {
		const act = ACT_OF[record.standing];
		const { zoneId, cloudflareId, name, type, ownerKind, ownerId } = record;
		if (!act || !ownerKind || !ownerId) return [];
		if (asked.has(keyOf({ zoneId, name, type, act, cloudflareId }))) return [];
		const content = act === 'correct' ? (record.wantedContent ?? '') : record.content;
		return [{ batchId, zoneId, cloudflareId, act, name, type, content, ownerKind, ownerId }];
	});
	if (changes.length > 0) {
		for (const some of chunksOf(changes, 2_000))
			await tx.recordChange.createMany({
				data: some.map((change) => ({ ...change, byLabel: by.label }))
			});
		await enqueue(tx, 'domains.apply-record-changes', { batchId }, { key: batchId });
		await audit(tx, {
			actor: by,
			action: 'domains.change-records',
			subject: { type: 'record-batch', id: batchId },
			after: {
				count: changes.length,
				records: changes.slice(0, 100).map(({ act, name, type }) => `${act} ${type} ${name}`)
			}
		});
		await publish(tx, 'staff:domain-records');
	}
	return { batchId, count: changes.length, left: ids.length - changes.length };
}

/**
 * Asks for records to be made or taken away together, as part of what makes or removes their owners.
 * @param changes with each record as its owner wants it, or wanted it until now
 */
export async function askForRecords(
	tx: Tx,
	changes: { act: 'create' | 'delete'; needed: Needed }[],
	by: Actor
): Promise<void> {
	if (changes.length === 0) return;
	const batchId = randomUUID();
	await tx.recordChange.createMany({
		data: changes.map(({ act, needed: { owner, zoneId, name, type, content } }) => ({
			...{ batchId, zoneId, act, name, type, content, byLabel: by.label },
			...{ ownerKind: owner.kind, ownerId: owner.id }
		}))
	});
	await enqueue(tx, 'domains.apply-record-changes', { batchId }, { key: batchId });
	await publish(tx, 'staff:domain-records');
}

function keyOf(one: {
	zoneId: string;
	name: string;
	type: string;
	act: RecordAct;
	cloudflareId: string | null;
}): string {
	return [one.zoneId, one.act, one.cloudflareId ?? `${one.name} ${one.type}`].join(' ');
}

/**
 * Asks once more for a change that was refused or failed.
 * @throws {AppError} NOT_FOUND; WRONG_STATE for one that is done, or that waits and is tried again by itself
 */
export async function retryChange(tx: Tx, id: string, by: Actor): Promise<void> {
	const change = await tx.recordChange.findUnique({ where: { id } });
	if (!change) throw new AppError('NOT_FOUND');
	const { count } = await tx.recordChange.updateMany({
		where: { id, status: { in: ['refused', 'failed'] } },
		data: { status: 'waiting', reason: null, error: null, finishedAt: null }
	});
	if (count === 0)
		throw new AppError('WRONG_STATE', { params: { from: change.status, to: 'waiting' } });
	const { batchId } = change;
	await enqueue(tx, 'domains.apply-record-changes', { batchId }, { key: batchId });
	await audit(tx, {
		actor: by,
		action: 'domains.retry-record',
		subject: { type: 'record-change', id },
		before: { status: change.status, name: change.name, reason: change.reason },
		after: { at: now().toISOString() }
	});
	await publish(tx, 'staff:domain-records');
}
