import { afterAll, expect, test } from 'vitest';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { aPublishedDomain, aPublishedTenant } from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testProcesses } from '../../../../tests/setup/processes.ts';
import { eventually, testQueue } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { convergence, requestConvergence } from './tunnels.server.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
await testQueue({ work: false });
const processes = await testProcesses();

const ROUNDS = 200;

test('two domains added to one tunnel at the same moment, with two workers, 200 times: no rule is lost', async () => {
	// What is measured is who loses a rule, not how long a budget lasts.
	await db.setting.create({
		data: { key: 'cloudflare.calls_per_window', category: 'cloudflare', value: 100_000 }
	});
	const tunnel = await db.tunnel.create({
		data: {
			...{ cloudflareId: standIn.tunnelId, name: 'tests' },
			baseDomains: { create: { name: 'sajet.us', zoneId: standIn.zoneId, isDefault: true } }
		}
	});
	const tenant = await aPublishedTenant(db, 'acme');
	await Promise.all([processes.start('worker'), processes.start('worker')]);
	const add = (hostname: string) =>
		transaction(async (tx) => {
			await aPublishedDomain(tx, tenant, hostname);
			return requestConvergence(tx, tunnel.id);
		});
	const there = () => {
		const found = cloudflareDocument(kernel)
			.get()
			.tunnels.find(({ id }) => id === standIn.tunnelId);
		return new Set((found?.config?.ingress ?? []).map(({ hostname }) => hostname));
	};
	const added: string[] = [];
	for (let round = 0; round < ROUNDS; round += 1) {
		const pair = [`a${round}.acme.com`, `b${round}.acme.com`];
		const versions = await Promise.all(pair.map(add));
		added.push(...pair);
		await eventually(async () => (await convergence(db, tunnel.id, Math.max(...versions))).applied);
		const hosts = there();
		expect(added.filter((hostname) => !hosts.has(hostname))).toEqual([]);
	}
	expect(there().size).toBe(2 * ROUNDS + 2);
	expect(await db.tunnelChange.count({ where: { kind: 'drifted' } })).toBe(0);
	expect(await db.edgeHost.count({ where: { adopted: true } })).toBe(0);
}, 240_000);
