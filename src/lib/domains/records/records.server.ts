import { now } from '#lib/core/clock.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { Cloudflare } from '../../integrations/cloudflare/cloudflare.server.ts';
import { VendorError } from '../../integrations/errors.ts';
import {
	beginRun,
	closeUnseen,
	endRun,
	isIgnored,
	noteDrifts,
	type Found
} from '../../logs/drifts.server.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { neededRecords } from './neededRecords.server.ts';
import { judge, needsDuring, type Judged } from './recordStanding.ts';

/** Kinds of what a look at our zones may find. */
export const RECORD_DRIFTS = [
	'domains.record-orphan',
	'domains.record-missing',
	'domains.record-differs'
];

const DRIFT_OF: Partial<Record<Judged['standing'], string>> = {
	orphan: 'domains.record-orphan',
	missing: 'domains.record-missing',
	differs: 'domains.record-differs'
};

/**
 * Reads the records of all zones of our base domains, keeps what stands there, and notes what differs. A zone that cannot be
 * read keeps what was seen of it before, with the reason.
 * @param byLabel who asked; null for the clock
 */
export async function lookAtRecords(byLabel: string | null = null): Promise<void> {
	const zones = await ourZones(db);
	const run = await beginRun('domains.records', byLabel);
	const began = now();
	const client = await cloudflareClient({}, 'sync');
	const compared: Record<string, number> = {};
	const errors: string[] = [];
	let found = 0;
	await forgetZones(zones.map(({ zoneId }) => zoneId));
	for (const zone of zones) {
		try {
			const judged = await lookAtZone(client, zone);
			compared[zone.name] = judged.length;
			found += await noteFound(judged, began);
		} catch (error) {
			if (!(error instanceof VendorError)) throw error;
			errors.push(`${zone.name}: ${error.message}`);
			await noteFailure(zone, error.message);
		}
	}
	if (errors.length === 0) await transaction((tx) => closeUnseen(tx, RECORD_DRIFTS, began));
	await endRun(run, { compared, found, errors });
}

/** The zones that our base domains stand in, each once. */
export async function ourZones(tx: Tx): Promise<{ zoneId: string; name: string }[]> {
	return tx.baseDomain.findMany({
		distinct: ['zoneId'],
		orderBy: [{ name: 'asc' }],
		select: { zoneId: true, name: true }
	});
}

async function lookAtZone(
	client: Cloudflare,
	{ zoneId, name }: { zoneId: string; name: string }
): Promise<Judged[]> {
	const began = now();
	const before = await neededRecords(db, [zoneId]);
	const records = await client.dns.list(zoneId);
	const judged = judge(records, needsDuring(before, await neededRecords(db, [zoneId])));
	await transaction(async (tx) => {
		await lock(tx, `zone:${zoneId}`);
		const last = await tx.zoneLook.findUnique({ where: { zoneId }, select: { lookedAt: true } });
		// Another look that began later has told it already.
		if (last?.lookedAt && last.lookedAt > began) return;
		const look = { name, lookedAt: began, triedAt: began, error: null };
		await tx.zoneLook.upsert({ where: { zoneId }, create: { zoneId, ...look }, update: look });
		await keep(tx, zoneId, judged);
		await publish(tx, 'staff:domain-records');
	});
	return judged;
}

async function noteFailure(zone: { zoneId: string; name: string }, error: string): Promise<void> {
	const failed = { name: zone.name, triedAt: now(), error: error.slice(0, 500) };
	await transaction(async (tx) => {
		await tx.zoneLook.upsert({
			where: { zoneId: zone.zoneId },
			create: { zoneId: zone.zoneId, ...failed },
			update: failed
		});
		await publish(tx, 'staff:domain-records');
	});
}

/** What is no zone of ours any more is nobody's business here. */
async function forgetZones(kept: string[]): Promise<void> {
	await db.zoneLook.deleteMany({ where: { zoneId: { notIn: kept } } });
}

/** Rows that stay keep their id, so that what somebody has marked on the page is still meant. */
async function keep(tx: Tx, zoneId: string, judged: Judged[]): Promise<void> {
	const rows = await tx.zoneRecord.findMany({ where: { zoneId } });
	const known = new Map(rows.map((row) => [rowKey(row), row]));
	const written: (ReturnType<typeof columnsOf> & { id?: string })[] = [];
	const gone: string[] = [];
	for (const one of judged) {
		const columns = columnsOf(zoneId, one);
		const row = known.get(rowKey(columns));
		known.delete(rowKey(columns));
		if (!row) written.push(columns);
		else if (Object.entries(columns).some(([name, value]) => Reflect.get(row, name) !== value)) {
			// Anew under its id: thousands are written at once, not one by one.
			gone.push(row.id);
			written.push({ ...columns, id: row.id });
		}
	}
	gone.push(...[...known.values()].map(({ id }) => id));
	for (const ids of chunksOf(gone, 5_000))
		await tx.zoneRecord.deleteMany({ where: { id: { in: ids } } });
	for (const data of chunksOf(written, 2_000)) await tx.zoneRecord.createMany({ data });
}

export function chunksOf<T>(all: T[], size: number): T[][] {
	const chunks: T[][] = [];
	for (let from = 0; from < all.length; from += size) chunks.push(all.slice(from, from + size));
	return chunks;
}

/** Cloudflare's id, or what is missing and where. */
function rowKey(row: {
	cloudflareId: string | null;
	ownerKind: string | null;
	ownerId: string | null;
	name: string;
	type: string;
	content: string;
}): string {
	return (
		row.cloudflareId ??
		`${row.ownerKind} ${row.ownerId} ${row.name} ${row.type} ${row.type === 'CNAME' ? '' : row.content}`
	);
}

export function columnsOf(zoneId: string, { standing, record, owner, needed }: Judged) {
	return {
		zoneId,
		standing,
		cloudflareId: record?.id ?? null,
		name: record?.name ?? needed?.name ?? '',
		type: record?.type ?? needed?.type ?? '',
		content: record?.content ?? needed?.content ?? '',
		proxied: record?.proxied ?? needed?.proxied ?? false,
		ttl: record?.ttl ?? 1,
		comment: record?.comment ?? null,
		ownerKind: owner?.kind ?? null,
		ownerId: owner?.id ?? null,
		wantedContent: needed?.content ?? null,
		wantedProxied: needed?.proxied ?? null
	};
}

async function noteFound(judged: Judged[], at: Date): Promise<number> {
	const found = judged.flatMap((one) => foundOf(one) ?? []);
	let open = 0;
	for (const some of chunksOf(found, 200)) {
		open += await transaction(async (tx) => {
			const noted = [];
			for (const one of some) if (!(await isIgnored(tx, one))) noted.push(one);
			await noteDrifts(tx, noted, at);
			return noted.length;
		});
	}
	return open;
}

function foundOf({ standing, record, owner, needed }: Judged): Found | null {
	const kind = DRIFT_OF[standing];
	if (!kind) return null;
	const type = record?.type ?? needed?.type;
	return {
		kind,
		subjectType: 'dns-record',
		// Of a missing one there is no id: its name and type are what it is known by.
		subjectId: record?.id ?? `${needed?.name} ${type}`,
		ours: needed
			? { name: needed.name, type, content: needed.content, proxied: needed.proxied }
			: { owner: owner && `${owner.kind} ${owner.id}` },
		...(record && {
			theirs: { name: record.name, type, content: record.content, proxied: record.proxied }
		})
	};
}
