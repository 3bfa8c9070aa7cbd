import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import type { CustomHostname } from '../../integrations/cloudflare/types.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { factsOf } from './customHostnameState.ts';
import { askForCheck } from './customDomains.server.ts';

/** Rows at a time. */
const BATCH = 500;

/**
 * Reads the custom hostnames of every zone, fifty a call, instead of one by one: 10,000 domains cost 200 calls. Whose
 * state differs from what we know, or who is not there any more, is looked at by itself.
 */
export async function lookAtHostnames(): Promise<void> {
	const zones = await db.baseDomain.findMany({
		where: { tenants: { some: { domains: { some: { driver: 'custom_hostname' } } } } },
		select: { zoneId: true },
		distinct: ['zoneId']
	});
	for (const { zoneId } of zones) {
		const begun = now();
		const client = await cloudflareClient({}, 'sync');
		const there = new Map(
			(await client.customHostnames.list(zoneId)).map((one) => [one.hostname, one])
		);
		let after: string | undefined;
		for (;;) {
			const rows = await db.customDomain.findMany({
				where: {
					driver: 'custom_hostname',
					cloudflareHostnameId: { not: null },
					status: { not: 'removed' },
					tenant: { baseDomain: { zoneId } },
					// Read by itself since the list began: that is newer.
					OR: [{ hostnameSeenAt: null }, { hostnameSeenAt: { lt: begun } }],
					...(after && { id: { gt: after } })
				},
				orderBy: { id: 'asc' },
				take: BATCH
			});
			await transaction(async (tx) => {
				for (const row of rows) await compare(tx, row, there.get(row.hostname));
			});
			after = rows.at(-1)?.id;
			if (rows.length < BATCH) break;
		}
	}
}

type Row = Awaited<ReturnType<typeof db.customDomain.findMany>>[number];

async function compare(tx: Tx, row: Row, there: CustomHostname | undefined): Promise<void> {
	const where = { id: row.id, customerId: row.customerId };
	if (!there) {
		// Gone at Cloudflare: what was believed of it must not be believed a moment longer.
		await tx.customDomain.updateMany({
			where,
			data: { hostnameSeenAt: null, hostnameStatus: 'deleted' }
		});
		return askForCheck(tx, row);
	}
	const { hostnameRecords, ...facts } = factsOf(there, now());
	await tx.customDomain.updateMany({ where, data: { ...facts, hostnameRecords } });
	const differs =
		row.hostnameStatus !== facts.hostnameStatus ||
		row.hostnameSslStatus !== facts.hostnameSslStatus ||
		row.certificateExpiresAt?.getTime() !== facts.certificateExpiresAt?.getTime();
	if (differs) await askForCheck(tx, row);
}
