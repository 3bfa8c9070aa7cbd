import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import type { Fault } from '../../../sandbox/kernel/faults.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { createCluster } from '../../../../tests/factories/infrastructure.ts';
import { aPublishedTenant, aTunnel } from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { forgetSettings } from '../../settings/settings.server.ts';
import { createTunnel, requestDeletion, requestRestart, revealToken } from './tunnelActs.server.ts';
import { tunnelFor } from './tunnelChoice.server.ts';
import { newTunnelForm } from './tunnelForms.ts';
import { listTunnels } from './tunnelList.server.ts';
import { isMade } from './tunnelRow.ts';
import { watchTunnels } from './tunnelState.server.ts';
import './tunnels.server.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
await testQueue({ work: true });
await db.$executeRaw`UPDATE pgboss.queue SET retry_delay = 0, retry_backoff = false WHERE name LIKE 'tunnels.%'`;
await createCluster(db);

const ANA = { kind: 'staff' as const, id: null, label: 'ana@example.com' };
const LIST = {
	...{ q: '', sort: { key: 'name', direction: 'asc' as const }, filters: {} },
	...{ page: 1, pageSize: 25, cursor: null }
};

beforeEach(async () => {
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name LIKE 'tunnels.%'`;
	kernel.reset();
	await db.setting.deleteMany({});
	forgetSettings();
	await db.alert.deleteMany({});
	await db.tenant.deleteMany({});
	await db.edgeHost.deleteMany({});
	await db.baseDomain.deleteMany({});
	await db.tunnel.deleteMany({});
});

const account = () => cloudflareDocument(kernel).get();
const remote = (id: string) => account().tunnels.find((tunnel) => tunnel.id === id)!;
const create = (input: Record<string, unknown>) => createTunnel(newTunnelForm.parse(input), ANA);
const made = (id: string) =>
	eventually(async () => {
		const tunnel = await db.tunnel.findUniqueOrThrow({ where: { id } });
		return isMade(tunnel) && tunnel.appliedVersion > 0 ? tunnel : null;
	});
const kindsOf = async (tunnelId: string) =>
	(await db.tunnelChange.findMany({ where: { tunnelId }, orderBy: { at: 'asc' } })).map(
		({ kind }) => kind
	);
/** One of the sandbox's, known to us, connected. */
const enrolled = () => aTunnel(db, { cloudflareId: standIn.tunnelId, name: 'tcs-sajet-tunnel' });

describe('a new tunnel', () => {
	test('is a row first, is made by the job, gets its document, and its token is shown and kept nowhere', async () => {
		const node = await db.node.findFirstOrThrow();
		const row = await create({ name: 'sajet-pve1', node_id: node.id });
		expect(isMade(row)).toBe(false);
		await expect(revealToken(row.id, ANA, true)).rejects.toMatchObject({ code: 'NOT_READY' });
		const tunnel = await made(row.id);
		expect(remote(tunnel.cloudflareId)).toMatchObject({
			...{ name: 'sajet-pve1', config_src: 'cloudflare' },
			config: { ingress: [{ service: 'http_status:404' }] }
		});
		expect(await kindsOf(row.id)).toEqual(['created', 'converged']);

		const token = await revealToken(row.id, ANA, true);
		expect(JSON.parse(Buffer.from(token, 'base64').toString())).toMatchObject({
			t: tunnel.cloudflareId
		});
		await expect(revealToken(row.id, ANA, true)).rejects.toMatchObject({
			code: 'ALREADY_REVEALED'
		});
		expect(await revealToken(row.id, ANA, false)).toBe(token);
		const looks = await db.auditEntry.findMany({
			where: { action: 'domains.reveal-tunnel-token' }
		});
		expect(looks.map(({ after }) => after)).toMatchObject([{ first: true }, { first: false }]);
		const [{ count }] = await db.$queryRaw<[{ count: bigint }]>`
			SELECT (SELECT count(*) FROM vendor_calls WHERE vendor_calls::text LIKE ${`%${token}%`})
				+ (SELECT count(*) FROM audit_log WHERE audit_log::text LIKE ${`%${token}%`})
				+ (SELECT count(*) FROM tunnels WHERE tunnels::text LIKE ${`%${token}%`}) AS count`;
		expect(count).toBe(0n);
	});

	test('of one that we did not make the first look asks who is there, too', async () => {
		const { id } = await enrolled();
		await expect(revealToken(id, ANA, true)).rejects.toMatchObject({ code: 'ALREADY_REVEALED' });
		expect(await revealToken(id, ANA, false)).toMatch(/^\w+/);
	});

	test.each<[string, Record<string, unknown>, string]>([
		['a name that Cloudflare has', { name: 'tcs-sajet-tunnel' }, 'name'],
		['one to take over that it has not', { name: 'nobody', enrol: true }, 'name'],
		['a node that there is not', { name: 'x', node_id: crypto.randomUUID() }, 'node_id'],
		['a container on no node', { name: 'x', host_vmid: 105 }, 'host_node_id']
	])('is refused: %s', async (_, input, field) => {
		await expect(create(input)).rejects.toMatchObject({
			code: 'BAD_INPUT',
			fields: { [field]: expect.stringMatching(/\w/) }
		});
		expect(await db.tunnel.count()).toBe(0);
	});

	test('a node has one', async () => {
		const node = await db.node.findFirstOrThrow();
		await create({ name: 'one', node_id: node.id });
		await expect(create({ name: 'two', node_id: node.id })).rejects.toMatchObject({
			fields: { node_id: expect.any(String) }
		});
	});

	test('that Cloudflare has is taken over with its rules', async () => {
		const grafana = { hostname: 'grafana.sajet.us', service: 'http://10.9.9.9:3000' };
		remote(standIn.tunnelId).config = { ingress: [grafana, { service: 'http_status:404' }] };
		const row = await create({ name: 'tcs-sajet-tunnel', enrol: true });
		await made(row.id);
		expect(remote(standIn.tunnelId).config?.ingress).toContainEqual(grafana);
		expect(await db.edgeHost.findMany()).toMatchObject([
			{ hostname: grafana.hostname, adopted: true }
		]);
		// Its token was somebody's before: the first look at it here is no first look.
		await expect(revealToken(row.id, ANA, true)).rejects.toMatchObject({
			code: 'ALREADY_REVEALED'
		});
	});

	const kinds: [Fault['kind'], Fault['when']][] = (
		['status', 'reset', 'malformed'] as const
	).flatMap((kind): [Fault['kind'], Fault['when']][] => [
		[kind, 'before'],
		[kind, 'after']
	]);
	test.each(kinds)(
		'making it answers %s, %s its effect: there is one in the end',
		async (kind, when) => {
			kernel.faults.add({ target: 'cloudflare', match: '^POST .*/cfd_tunnel$', kind, when });
			const { id } = await create({ name: 'sajet-pve1' });
			await made(id);
			expect(account().tunnels.filter(({ name }) => name === 'sajet-pve1')).toHaveLength(1);
		}
	);
});

describe('a tunnel’s end', () => {
	test('is refused while it leads anywhere, with what keeps it', async () => {
		const { id } = await enrolled();
		await db.baseDomain.create({
			data: { name: 'sajet.us', zoneId: standIn.zoneId, isDefault: true, tunnelId: id }
		});
		const tenant = await aPublishedTenant(db, 'acme');
		await db.tenant.update({ where: { id: tenant.id }, data: { tunnelId: id } });
		await db.edgeHost.create({
			data: { tunnelId: id, hostname: 'erp.sajet.us', service: 'http://1' }
		});
		await watchTunnels();
		const refusal = transaction((tx) => requestDeletion(tx, id, ANA));
		await expect(refusal).rejects.toMatchObject({ code: 'STILL_ALIVE' });
		const { what } = await refusal.catch((error) => error.params);
		expect(what.split(', ')).toHaveLength(4);
		expect(remote(standIn.tunnelId).deleted_at).toBeNull();
	});

	test('comes at Cloudflare and is read back; the row keeps its log', async () => {
		const { id } = await enrolled();
		remote(standIn.tunnelId).connectors = [];
		await transaction((tx) => requestDeletion(tx, id, ANA));
		await eventually(async () => (await db.tunnel.findUniqueOrThrow({ where: { id } })).deletedAt);
		expect(remote(standIn.tunnelId).deleted_at).not.toBeNull();
		expect(await kindsOf(id)).toEqual(['deleted']);
		expect((await listTunnels(db, LIST)).rows).toEqual([]);
		const deleted = await listTunnels(db, { ...LIST, filters: { state: 'deleted' } });
		expect(deleted.rows).toMatchObject([{ id }]);
	});

	test('does not come when somebody connects meanwhile, and the page says why', async () => {
		const { id } = await enrolled();
		// Nobody had looked yet, so that nothing was known of its connectors.
		await transaction((tx) => requestDeletion(tx, id, ANA));
		const error = await eventually(
			async () => (await db.tunnel.findUniqueOrThrow({ where: { id } })).error
		);
		expect(error).toMatch(/4/);
		expect(remote(standIn.tunnelId).deleted_at).toBeNull();
	});
});

test('a restart cuts the connectors off and is in the log with who asked', async () => {
	const { id } = await enrolled();
	await transaction((tx) => requestRestart(tx, id, ANA));
	await eventually(async () => remote(standIn.tunnelId).connectors.length === 0);
	const row = await eventually(() => db.tunnelChange.findFirst({ where: { tunnelId: id } }));
	expect(row).toMatchObject({ kind: 'restarted', byLabel: ANA.label });
});

test('a tenant goes by its node’s tunnel only where tunnels go by node and it has one that carries requests', async () => {
	const base = await aTunnel(db);
	const [node, other] = await db.node.findMany({ take: 2 });
	const own = await aTunnel(db, { nodeId: node!.id });
	const choose = async (nodeId: string | null) =>
		(await tunnelFor(db, { baseDomain: { tunnelId: base.id }, nodeId })).id;
	expect(await choose(node!.id)).toBe(base.id);
	await db.setting.create({
		data: { key: 'cloudflare.tunnel_per', category: 'cloudflare', value: 'node' }
	});
	forgetSettings();
	// Nobody has seen a connector of it.
	expect(await choose(node!.id)).toBe(base.id);
	await db.tunnel.update({ where: { id: own.id }, data: { status: 'healthy' } });
	expect(await choose(node!.id)).toBe(own.id);
	expect(await choose(other?.id ?? null)).toBe(base.id);
});
