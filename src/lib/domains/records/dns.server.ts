import { now } from '#lib/core/clock.server.ts';
import { db, isUniqueViolation } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Cloudflare } from '../../integrations/cloudflare/cloudflare.server.ts';
import { CloudflareError } from '../../integrations/cloudflare/errors.ts';
import type { DnsRecord } from '../../integrations/cloudflare/types.ts';
import { markOf, ownerIn, type Owner } from './marks.ts';

export interface WantedRecord {
	owner: Owner;
	customerId: string;
	zoneId: string;
	/** The whole host name. */
	name: string;
	/** Cloudflare's tunnel id. */
	tunnelCloudflareId: string;
}

/**
 * Makes sure that the name leads to the tunnel: looks first, creates what is missing, and reads it back.
 * @returns Cloudflare's id of the record
 * @throws {AppError} NAME_TAKEN when a record that is not ours is in the way
 * @throws {CloudflareError}
 */
export async function ensureRecord(client: Cloudflare, wanted: WantedRecord): Promise<string> {
	const target = `${wanted.tunnelCloudflareId}.cfargotunnel.com`;
	const row = await intend(wanted, target);
	const mark = markOf(wanted.owner);

	let found = await find();
	if (!found) {
		try {
			await client.dns.createCname({
				zoneId: wanted.zoneId,
				name: wanted.name,
				target,
				comment: mark
			});
		} catch (error) {
			// Ours from a call whose answer was lost, or somebody else's: the read below tells.
			if (!(error instanceof CloudflareError && error.kind === 'duplicate')) throw error;
		}
		found = await find();
	} else if (!leadsThere(found)) {
		await client.dns.setTarget(wanted.zoneId, found.id, target);
		found = await find();
	}
	if (!found || !leadsThere(found)) {
		throw new CloudflareError({
			kind: 'vendor',
			operation: 'dns.create',
			message: `${wanted.name} could not be read back`,
			retryable: true
		});
	}
	await db.dnsRecord.update({
		where: { id: row.id },
		data: { cloudflareId: found.id, content: target }
	});
	return found.id;

	/** Only a proxied record reaches a tunnel. */
	function leadsThere(record: DnsRecord): boolean {
		return record.content === target && record.proxied === true;
	}

	async function find() {
		const records = await client.dns.findByName(wanted.zoneId, wanted.name);
		const ours = records.find(
			(record) => record.type === 'CNAME' && record.comment?.includes(mark)
		);
		const foreign = records.find((record) => record !== ours && isInTheWay(record));
		if (foreign) {
			throw new AppError('NAME_TAKEN', {
				detail: `${wanted.name} has a ${foreign.type} record that is not ours`
			});
		}
		return ours;
	}
}

/** A record under that name that leads visitors somewhere and is none of ours. */
export async function foreignRecord(
	client: Cloudflare,
	zoneId: string,
	name: string
): Promise<DnsRecord | null> {
	const records = await client.dns.findByName(zoneId, name);
	return records.find((record) => isInTheWay(record) && !ownerIn(record.comment)) ?? null;
}

function isInTheWay({ type }: DnsRecord): boolean {
	return ['A', 'AAAA', 'CNAME'].includes(type);
}

/** The column of `dns_records` that names the owner. */
function ownerOf({ kind, id }: Owner) {
	return kind === 'tenant' ? { tenantId: id } : { customDomainId: id };
}

/** Removes the owner's record, and no other; gone already is as good. Reads back that it is gone. */
export async function removeRecord(client: Cloudflare, owner: Owner): Promise<void> {
	const rows = await db.dnsRecord.findMany({ where: { ...ownerOf(owner), deletedAt: null } });
	for (const row of rows) {
		const mark = markOf(owner);
		const ours = async () =>
			(await client.dns.findByName(row.zoneId, row.name)).filter((record) =>
				record.comment?.includes(mark)
			);
		for (const record of await ours()) await client.dns.delete(row.zoneId, record.id);
		if ((await ours()).length > 0) {
			throw new CloudflareError({
				kind: 'vendor',
				operation: 'dns.delete',
				message: `${row.name} is still there`,
				retryable: true
			});
		}
		await db.dnsRecord.update({ where: { id: row.id }, data: { deletedAt: now() } });
	}
}

/**
 * The row comes before the call, so that a crash in between leaves a trace to follow.
 * @throws {AppError} NAME_TAKEN when the name is somebody else's
 */
async function intend(wanted: WantedRecord, target: string): Promise<{ id: string }> {
	const { owner, customerId, zoneId, name } = wanted;
	const own = () =>
		db.dnsRecord.findFirst({
			where: { ...ownerOf(owner), name, type: 'CNAME', deletedAt: null },
			select: { id: true }
		});
	const existing = await own();
	if (existing) return existing;
	try {
		return await db.dnsRecord.create({
			data: { ...ownerOf(owner), customerId, zoneId, name, type: 'CNAME', content: target },
			select: { id: true }
		});
	} catch (error) {
		if (!isUniqueViolation(error)) throw error;
		// Written meanwhile: by another worker on the same step, or for somebody else.
		const meanwhile = await own();
		if (!meanwhile) throw new AppError('NAME_TAKEN', { cause: error, detail: `${name} is in use` });
		return meanwhile;
	}
}
