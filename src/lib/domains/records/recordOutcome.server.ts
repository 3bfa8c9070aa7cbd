import { now } from '#lib/core/clock.server.ts';
import { db, isUniqueViolation, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { RecordChange } from '#prisma/generated/client.ts';
import type { StandingRecord } from './recordStanding.ts';

/**
 * Notes before the call that a tenant's record is about to be made, so that its removal finds it whatever becomes of us.
 * @returns false when the name is another tenant's
 */
export async function keepIntent(change: RecordChange): Promise<boolean> {
	const { act, ownerKind, ownerId, zoneId, name, type, content } = change;
	if (act !== 'create' || ownerKind !== 'tenant') return true;
	const live = () => db.dnsRecord.findFirst({ where: { zoneId, name, type, deletedAt: null } });
	const known = await live();
	if (known) return known.tenantId === ownerId;
	const tenant = await db.tenant.findUnique({
		where: { id: ownerId },
		select: { customerId: true }
	});
	if (!tenant) return false;
	try {
		await db.dnsRecord.create({
			data: { customerId: tenant.customerId, tenantId: ownerId, zoneId, name, type, content }
		});
		return true;
	} catch (error) {
		if (!isUniqueViolation(error)) throw error;
		return (await live())?.tenantId === ownerId;
	}
}

/**
 * A change that was read back: in our own list of records, and in what the page shows.
 * @param record as it stands now; null where it was deleted
 */
export async function keepDone(change: RecordChange, record: StandingRecord | null): Promise<void> {
	await transaction(async (tx) => {
		const { count } = await tx.recordChange.updateMany({
			where: { id: change.id, status: 'waiting' },
			data: { status: 'done', reason: null, error: null, finishedAt: now() }
		});
		if (count === 0) return;
		if (change.act === 'delete') await forget(tx, change);
		else if (record) await remember(tx, change, record);
		await publish(tx, 'staff:domain-records');
	});
}

async function forget(tx: Tx, change: RecordChange): Promise<void> {
	const { zoneId, cloudflareId, name, type, ownerKind, ownerId } = change;
	await tx.dnsRecord.updateMany({
		where: {
			...{ zoneId, name, type, deletedAt: null },
			...(ownerKind === 'domain' ? { customDomainId: ownerId } : { tenantId: ownerId })
		},
		data: { deletedAt: now() }
	});
	await tx.zoneRecord.deleteMany({
		where: { zoneId, ...(cloudflareId ? { cloudflareId } : { name, type, ownerKind, ownerId }) }
	});
}

async function remember(tx: Tx, change: RecordChange, record: StandingRecord): Promise<void> {
	const { zoneId, name, type, ownerKind, ownerId } = change;
	const { id: cloudflareId, content, proxied, ttl, comment } = record;
	if (ownerKind === 'tenant')
		await tx.dnsRecord.updateMany({
			where: { zoneId, name, type, tenantId: ownerId, deletedAt: null },
			data: { cloudflareId, content }
		});
	const shown = { content, proxied, ttl, comment: comment ?? null, standing: 'ours' as const };
	const { count } = await tx.zoneRecord.updateMany({
		where: { zoneId, cloudflareId },
		data: shown
	});
	const missing = { zoneId, name, type, ownerId, cloudflareId: null };
	if (count > 0) {
		// Another look has seen it already.
		await tx.zoneRecord.deleteMany({ where: missing });
		return;
	}
	const row = await tx.zoneRecord.findFirst({ where: { ...missing, content: change.content } });
	if (row) await tx.zoneRecord.update({ where: { id: row.id }, data: { ...shown, cloudflareId } });
}
