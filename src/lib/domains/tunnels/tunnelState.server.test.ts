import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { cloudflareDocument, newConnector } from '../../../sandbox/cloudflare/state.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { createCluster } from '../../../../tests/factories/infrastructure.ts';
import { aPublishedTenant, aTunnel } from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import { connectorsOf } from './tunnelConnectors.ts';
import { listTunnelHosts } from './tunnelHosts.server.ts';
import { listTunnels } from './tunnelList.server.ts';
import { watchTunnels } from './tunnelState.server.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
await createCluster(db);

const LIST = {
	...{ q: '', sort: { key: 'name', direction: 'asc' as const }, filters: {} },
	...{ page: 1, pageSize: 25, cursor: null }
};

beforeEach(async () => {
	kernel.reset();
	await db.alert.deleteMany({});
	await db.tenant.deleteMany({});
	await db.edgeHost.deleteMany({});
	await db.baseDomain.deleteMany({});
	await db.tunnel.deleteMany({});
});

const remote = (id: string) =>
	cloudflareDocument(kernel)
		.get()
		.tunnels.find((tunnel) => tunnel.id === id)!;
/** One of the sandbox's, known to us, connected. */
const enrolled = () => aTunnel(db, { cloudflareId: standIn.tunnelId, name: 'tcs-sajet-tunnel' });

describe('the state of tunnels', () => {
	const stored = (id: string) => db.tunnel.findUniqueOrThrow({ where: { id } });
	const down = () => db.alert.findFirst({ where: { rule: 'domains.tunnel-down', closedAt: null } });

	test('is what Cloudflare says, with each connector', async () => {
		const { id } = await enrolled();
		await watchTunnels();
		const tunnel = await stored(id);
		expect(tunnel).toMatchObject({ status: 'healthy', seenError: null, seenAt: expect.any(Date) });
		expect(connectorsOf(tunnel.connectors)).toMatchObject([
			{ version: '2026.10.1', arch: 'linux_amd64', conns: [{ colo_name: 'mia01' }, {}, {}, {}] }
		]);
	});

	test('a tunnel that routes and is down is an alert until it is back', async () => {
		const { id } = await enrolled();
		remote(standIn.tunnelId).connectors = [];
		await watchTunnels();
		expect(await stored(id)).toMatchObject({ status: 'down' });
		expect(await down()).toBeNull();
		await db.edgeHost.create({
			data: { tunnelId: id, hostname: 'erp.sajet.us', service: 'http://1' }
		});
		await watchTunnels();
		expect(await down()).toMatchObject({
			subjectType: 'tunnel',
			subjectId: id,
			severity: 'critical'
		});
		remote(standIn.tunnelId).connectors = [newConnector('again', new Date().toISOString())];
		await watchTunnels();
		expect(await down()).toBeNull();
	});

	test('one that Cloudflare does not list any more is said to be gone', async () => {
		const { id } = await aTunnel(db);
		await db.edgeHost.create({
			data: { tunnelId: id, hostname: 'erp.sajet.us', service: 'http://1' }
		});
		await watchTunnels();
		expect(await stored(id)).toMatchObject({ status: 'deleted' });
		expect(await down()).not.toBeNull();
	});

	test('what cannot be seen stays as it was seen, with the reason, and is no alert', async () => {
		const { id } = await enrolled();
		await watchTunnels();
		const before = await stored(id);
		kernel.faults.add({ target: 'cloudflare', match: '/cfd_tunnel', kind: 'reset', times: 9 });
		await watchTunnels();
		expect(await stored(id)).toMatchObject({
			...{ status: 'healthy', seenAt: before.seenAt },
			seenError: expect.stringMatching(/\w/)
		});
		expect(await down()).toBeNull();
	});
});

describe('lists', () => {
	test('a tunnel is listed with what hangs on it', async () => {
		const { id } = await enrolled();
		await db.baseDomain.create({
			data: { name: 'sajet.us', zoneId: standIn.zoneId, isDefault: true, tunnelId: id }
		});
		for (const slug of ['acme', 'beta']) await aPublishedTenant(db, slug);
		await db.edgeHost.create({
			data: { tunnelId: id, hostname: 'erp.sajet.us', service: 'http://1' }
		});
		await watchTunnels();
		const { rows, meta } = await listTunnels(db, {
			...LIST,
			q: 'SAJET',
			filters: { status: 'healthy' }
		});
		expect(meta.total).toBe(1);
		expect(rows).toMatchObject([{ id, hosts: 3, baseDomains: ['sajet.us'], driftedAt: null }]);
		expect((await listTunnels(db, { ...LIST, q: 'nothing' })).rows).toEqual([]);

		const hosts = async (query: object) =>
			(await listTunnelHosts(db, id, { ...LIST, ...query })).rows.map(({ hostname }) => hostname);
		expect(await hosts({})).toEqual(['acme.sajet.us', 'beta.sajet.us', 'erp.sajet.us']);
		expect(await hosts({ filters: { kind: 'edge' } })).toEqual(['erp.sajet.us']);
		expect(await hosts({ q: 'BETA' })).toEqual(['beta.sajet.us']);
		const first = await listTunnelHosts(db, id, { ...LIST, pageSize: 2 });
		expect(first.meta).toMatchObject({ total: 3, next: expect.any(String) });
		expect(await hosts({ pageSize: 2, cursor: first.meta.next })).toEqual(['erp.sajet.us']);
		expect(await hosts({ pageSize: 2, page: 2 })).toEqual(['erp.sajet.us']);
	});
});
