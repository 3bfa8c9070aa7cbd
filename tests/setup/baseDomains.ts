import { afterAll, beforeEach } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { checkBase, type BaseChecks } from '#lib/domains/base/baseChecks.server.ts';
import { baseDomainForm } from '#lib/domains/base/baseDomainForms.ts';
import { addBaseDomain } from '#lib/domains/base/baseDomains.server.ts';
import '#lib/domains/base/basePrepare.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { tuning } from '#lib/settings/clients.server.ts';
import { startCloudflare } from '../../src/sandbox/cloudflare/server.ts';
import { cloudflareDocument } from '../../src/sandbox/cloudflare/state.ts';
import { Kernel } from '../../src/sandbox/kernel/kernel.ts';
import { testDatabase } from './database.ts';
import { testQueue } from './queue.ts';

/** An account at the stand-in with a tunnel of ours, and no base domain before each test. */
export async function testBaseDomains() {
	await testDatabase();
	const kernel = new Kernel({ dataDir: null, speed: 0 });
	const standIn = await startCloudflare(kernel, { port: 0 });
	afterAll(() => standIn.close());
	process.env.CLOUDFLARE_API_URL = standIn.url;
	process.env.CLOUDFLARE_API_TOKEN = standIn.token;
	process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
	tuning.cloudflareTimeoutMs = 1_000;
	await testQueue({ work: false });

	const account = () => cloudflareDocument(kernel).get();
	const at = (name: string) => account().records.filter((record) => record.name === name);
	const tunnel = { id: '' };

	beforeEach(async () => {
		kernel.reset();
		await db.customDomain.deleteMany({});
		await db.tenant.deleteMany({});
		await db.plan.updateMany({ data: { baseDomainId: null } });
		await db.baseDomain.deleteMany({});
		await db.edgeServer.deleteMany({});
		await db.edgeHost.deleteMany({});
		await db.tunnel.deleteMany({});
		const made = await db.tunnel.create({
			data: { cloudflareId: standIn.tunnelId, name: 'tests' }
		});
		tunnel.id = made.id;
	});

	const input = (over: Record<string, string> = {}) =>
		baseDomainForm.parse({
			...{ name: 'sajet.us', driver: 'custom_hostname', target: 'customers.sajet.us' },
			...{ tunnel: tunnel.id, edge_server: '', ...over }
		});
	const asked = (name = 'sajet.us', tunnelCloudflareId = standIn.tunnelId) =>
		checkBase({ name, tunnelCloudflareId });
	async function added(over: Record<string, string> = {}, checks?: BaseChecks) {
		const given = input(over);
		const seen = checks ?? (await asked(given.name));
		return transaction((tx) => addBaseDomain(tx, given, seen, { by: SYSTEM }));
	}
	/** Somebody writes into the zone by hand. */
	async function foreign(name: string, type: string, content: string): Promise<void> {
		const answer = await fetch(`${standIn.url}/zones/${standIn.zoneId}/dns_records`, {
			method: 'POST',
			headers: { authorization: `Bearer ${standIn.token}`, 'content-type': 'application/json' },
			body: JSON.stringify({ type, name, content, ttl: 1 })
		});
		if (!answer.ok) throw new Error(await answer.text());
	}

	return { kernel, standIn, account, at, tunnel, input, asked, added, foreign };
}
