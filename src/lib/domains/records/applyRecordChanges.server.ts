import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import type { RecordChange } from '#prisma/generated/client.ts';
import type { Cloudflare } from '../../integrations/cloudflare/cloudflare.server.ts';
import { CloudflareError } from '../../integrations/cloudflare/errors.ts';
import type { RecordBatch } from '../../integrations/cloudflare/records.server.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { isOwnerKind, markOf } from './marks.ts';
import { neededRecords } from './neededRecords.server.ts';
import { decide, indexOf, type AskedChange, type Decision } from './recordDecision.ts';
import { keepDone, keepIntent } from './recordOutcome.server.ts';
import type { StandingRecord } from './recordStanding.ts';
import { chunksOf } from './records.server.ts';

/** Of one call to Cloudflare. */
const PER_CALL = 200;
/** So few are read one by one; for more the whole zone costs fewer calls. */
const READ_ONE_BY_ONE = 5;

/**
 * Carries out what waits of a batch, zone by zone, 200 records a call. Each record is read immediately before, with its
 * comment, and again afterwards: only what was read back counts as done.
 * @throws {CloudflareError} when Cloudflare does not answer: what is left waits for the next try
 */
export async function applyChanges(batchId: string): Promise<void> {
	const waiting = await db.recordChange.findMany({
		where: { batchId, status: 'waiting' },
		// What is deleted makes room for what is created.
		orderBy: [{ zoneId: 'asc' }, { act: 'asc' }, { id: 'asc' }]
	});
	const client = await cloudflareClient({ subjectId: batchId });
	for (const zoneId of new Set(waiting.map((change) => change.zoneId))) {
		const ofZone = waiting.filter((change) => change.zoneId === zoneId);
		for (const some of chunksOf(ofZone, PER_CALL)) {
			try {
				await applySome(client, zoneId, some);
			} catch (error) {
				if (error instanceof CloudflareError) await noteTrouble(some, error.message);
				throw error;
			}
		}
	}
}

interface Act {
	change: RecordChange;
	decision: Extract<Decision, { act: 'delete' | 'patch' | 'post' }>;
}

async function applySome(
	client: Cloudflare,
	zoneId: string,
	changes: RecordChange[]
): Promise<void> {
	const ids = changes.map(({ id }) => id);
	await db.recordChange.updateMany({
		where: { id: { in: ids } },
		data: { attempts: { increment: 1 } }
	});
	const acts: Act[] = [];
	for (const { change, decision, record } of await decideAll(client, zoneId, changes)) {
		if (decision.act === 'nothing') await keepDone(change, record);
		else if (decision.act === 'refuse') await settle(change, 'refused', decision.reason, null);
		else if (await keepIntent(change)) acts.push({ change, decision });
		else await settle(change, 'refused', 'taken', null);
	}
	if (acts.length === 0) return;
	const refused = await send(client, zoneId, acts);
	for (const { change } of acts) {
		const error = refused.get(change.id);
		if (error) await settle(change, 'failed', null, error.message);
	}
	const sent = acts.map(({ change }) => change).filter(({ id }) => !refused.has(id));
	let unseen = 0;
	for (const { change, decision, record } of await decideAll(client, zoneId, sent)) {
		if (decision.act === 'nothing') await keepDone(change, record);
		else if (decision.act === 'refuse') await settle(change, 'refused', decision.reason, null);
		else unseen += 1;
	}
	if (unseen > 0)
		throw new CloudflareError({
			kind: 'vendor',
			operation: 'dns.batch',
			message: `${unseen} records could not be read back`,
			retryable: true
		});
}

/** What is to be done about each, by what stands there and what our database wants at this moment. */
async function decideAll(client: Cloudflare, zoneId: string, changes: RecordChange[]) {
	if (changes.length === 0) return [];
	const there = await readNow(client, zoneId, changes);
	const needs = indexOf(await neededRecords(db, [zoneId]));
	const leaving = new Set<string>();
	return changes.map((change) => {
		const decision = decide(asked(change), there(change), needs, leaving);
		if (decision.act === 'delete') leaving.add(decision.id);
		const record = there(change).find((one) => markIsOf(one, change)) ?? null;
		return { change, decision, record };
	});
}

function asked({ ownerKind, ownerId, ...change }: RecordChange): AskedChange {
	if (!isOwnerKind(ownerKind)) throw new Error(`${ownerKind} owns no records`);
	return { ...change, owner: { kind: ownerKind, id: ownerId } };
}

function markIsOf(record: StandingRecord, change: RecordChange): boolean {
	const { owner, name, type } = asked(change);
	return (
		record.name.toLowerCase() === name.toLowerCase() &&
		record.type === type &&
		(record.comment ?? '').includes(markOf(owner))
	);
}

/** What stands at Cloudflare now: of each change the records under its name, and the one with its id. */
async function readNow(client: Cloudflare, zoneId: string, changes: RecordChange[]) {
	const records: StandingRecord[] =
		changes.length > READ_ONE_BY_ONE
			? await client.dns.list(zoneId)
			: await readFew(client, zoneId, changes);
	const byId = new Map(records.map((record) => [record.id, record]));
	const byName = Map.groupBy(byId.values(), ({ name }) => name.toLowerCase());
	return ({ name, cloudflareId }: RecordChange): StandingRecord[] => {
		const own = cloudflareId ? byId.get(cloudflareId) : undefined;
		const atName = byName.get(name.toLowerCase()) ?? [];
		return own ? [own, ...atName.filter(({ id }) => id !== own.id)] : atName;
	};
}

async function readFew(
	client: Cloudflare,
	zoneId: string,
	changes: RecordChange[]
): Promise<StandingRecord[]> {
	const found: StandingRecord[] = [];
	for (const { name, cloudflareId } of changes) {
		found.push(...(await client.dns.findByName(zoneId, name)));
		if (!cloudflareId || found.some(({ id }) => id === cloudflareId)) continue;
		// It may stand under another name by now.
		const own = await client.dns.get(zoneId, cloudflareId);
		if (own) found.push(own);
	}
	return found;
}

/** Changes all in one call; where Cloudflare refuses it for the sake of one, halves tell which. @returns those refused */
async function send(
	client: Cloudflare,
	zoneId: string,
	acts: Act[]
): Promise<Map<string, CloudflareError>> {
	try {
		await client.dns.batch(zoneId, batchOf(acts));
		return new Map();
	} catch (error) {
		if (!(error instanceof CloudflareError)) throw error;
		if (error.kind === 'unauthorized') return new Map(acts.map(({ change }) => [change.id, error]));
		const isOfOne = ['duplicate', 'invalid', 'not_found'].includes(error.kind);
		if (!isOfOne) throw error;
		if (acts.length === 1) return new Map(acts.map(({ change }) => [change.id, error]));
		const middle = Math.ceil(acts.length / 2);
		const first = await send(client, zoneId, acts.slice(0, middle));
		return new Map([...first, ...(await send(client, zoneId, acts.slice(middle)))]);
	}
}

function batchOf(acts: Act[]): RecordBatch {
	const batch: RecordBatch = { deletes: [], patches: [], posts: [] };
	for (const { decision } of acts) {
		if (decision.act === 'delete') batch.deletes.push({ id: decision.id });
		else if (decision.act === 'patch') {
			const { id, content, proxied } = decision;
			batch.patches.push({ id, content, proxied });
		} else {
			const { owner, name, type, content, proxied } = decision.needed;
			batch.posts.push({ name, type, content, proxied, comment: markOf(owner) });
		}
	}
	return batch;
}

async function settle(
	{ id }: RecordChange,
	status: 'refused' | 'failed',
	reason: string | null,
	error: string | null
): Promise<void> {
	await transaction(async (tx) => {
		await tx.recordChange.updateMany({
			where: { id, status: 'waiting' },
			data: { status, reason, error: error?.slice(0, 500) ?? null, finishedAt: now() }
		});
		await publish(tx, 'staff:domain-records');
	});
}

async function noteTrouble(changes: RecordChange[], error: string): Promise<void> {
	await transaction(async (tx) => {
		await tx.recordChange.updateMany({
			where: { id: { in: changes.map(({ id }) => id) }, status: 'waiting' },
			data: { error: error.slice(0, 500) }
		});
		await publish(tx, 'staff:domain-records');
	});
}

defineJob({
	name: 'domains.apply-record-changes',
	payload: z.object({ batchId: z.uuid() }),
	run: ({ batchId }) => applyChanges(batchId),
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 10, retryDelay: 2 }
});
