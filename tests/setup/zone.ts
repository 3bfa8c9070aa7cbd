import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { applyChanges } from '#lib/domains/records/applyRecordChanges.server.ts';
import { markOf } from '#lib/domains/records/marks.ts';
import { askForChanges } from '#lib/domains/records/recordChanges.server.ts';
import '#lib/domains/records/recordJobs.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { tuning } from '#lib/settings/clients.server.ts';
import { startCloudflare } from '../../src/sandbox/cloudflare/server.ts';
import { cloudflareDocument, type DnsRecord } from '../../src/sandbox/cloudflare/state.ts';
import { Kernel } from '../../src/sandbox/kernel/kernel.ts';
import { createUnplacedTenant } from '../factories/infrastructure.ts';
import { testDatabase } from './database.ts';
import { testQueue } from './queue.ts';

/** A zone of ours at the stand-in, empty before each test, with `sajet.us` as the only base domain. */
export async function testZone() {
	await testDatabase();
	const kernel = new Kernel({ dataDir: null, speed: 0 });
	const standIn = await startCloudflare(kernel, { port: 0 });
	afterAll(() => standIn.close());
	process.env.CLOUDFLARE_API_URL = standIn.url;
	process.env.CLOUDFLARE_API_TOKEN = standIn.token;
	process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
	tuning.cloudflareTimeoutMs = 1_000;
	await testQueue({ work: false });
	const { zoneId } = standIn;

	const records = () => cloudflareDocument(kernel).get().records;
	const at = (name: string) => records().filter((record) => record.name === name);
	/** Where a proxied record of a tunnel leads. */
	const lead = (tunnel = standIn.tunnelId) => `${tunnel}.cfargotunnel.com`;

	beforeEach(async () => {
		kernel.reset();
		await db.recordChange.deleteMany({});
		await db.zoneLook.deleteMany({});
		await db.drift.deleteMany({});
		await db.dnsRecord.deleteMany({});
		await db.tenant.deleteMany({});
		await db.baseDomain.deleteMany({});
		await db.tunnel.deleteMany({});
		const tunnel = await db.tunnel.create({
			data: { cloudflareId: standIn.tunnelId, name: 'tests' }
		});
		await db.baseDomain.create({
			data: {
				...{ name: 'sajet.us', zoneId, isDefault: true, tunnelId: tunnel.id },
				...{ driver: 'account_cname', target: 'customers.sajet.us' }
			}
		});
		records().splice(0);
	});

	/** Somebody writes into the zone, with whatever comment. */
	async function written(
		name: string,
		comment: string | null,
		other: { type?: string; content?: string; proxied?: boolean } = {}
	): Promise<DnsRecord> {
		const body = { type: 'CNAME', content: lead(), proxied: true, ...other, name, comment, ttl: 1 };
		const answer = await fetch(`${standIn.url}/zones/${zoneId}/dns_records`, {
			method: 'POST',
			headers: { authorization: `Bearer ${standIn.token}`, 'content-type': 'application/json' },
			body: JSON.stringify(body)
		});
		if (!answer.ok) throw new Error(await answer.text());
		return at(name).at(-1)!;
	}

	/** A tenant that is on the air, and the mark that its record should carry. */
	async function published(slug: string) {
		const tenant = await createUnplacedTenant(db, { slug });
		await db.tenant.update({ where: { id: tenant.id }, data: { published: true } });
		return { ...tenant, mark: markOf({ kind: 'tenant', id: tenant.id }) };
	}

	/** The mark of a tenant that nobody knows any more. */
	const gone = () => markOf({ kind: 'tenant', id: randomUUID() });
	const standing = async (name: string) =>
		(await db.zoneRecord.findFirst({ where: { name } }))?.standing ?? null;
	const batches = () =>
		kernel.calls.list({ vendor: 'cloudflare', match: '^POST .*/dns_records/batch$' });

	/** Asks for everything that can be done about these names. */
	async function asked(...names: string[]): Promise<string> {
		const rows = await db.zoneRecord.findMany({ where: { name: { in: names } } });
		const ids = rows.map(({ id }) => id);
		return (await transaction((tx) => askForChanges(tx, ids, SYSTEM))).batchId;
	}

	/** Of each name, without the zone, what came of it. */
	async function results(batchId: string): Promise<Record<string, string>> {
		const rows = await db.recordChange.findMany({ where: { batchId } });
		return Object.fromEntries(
			rows.map(({ name, status, reason }) => [
				name.replace('.sajet.us', ''),
				reason ? `${status} ${reason}` : status
			])
		);
	}

	/** Asks, and does it. */
	async function changed(...names: string[]): Promise<Record<string, string>> {
		const batchId = await asked(...names);
		await applyChanges(batchId);
		return results(batchId);
	}

	return {
		...{ kernel, records, at, lead, written, published, gone, standing, batches },
		...{ asked, results, changed }
	};
}
