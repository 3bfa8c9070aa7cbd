import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { HOUR, MINUTE, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { createWorld, surveyWorld } from '../../../../tests/factories/world.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testSandbox } from '../../../../tests/setup/sandbox.ts';
import { cloudflareDocument, zoneIdOf, type DnsRecord } from '../../../sandbox/cloudflare/state.ts';
import { patience as lookPatience } from '../../domains/custom/answer.server.ts';
import { patience, probeAll } from './probe.server.ts';

await testDatabase();
const sandbox = await testSandbox();
await transaction(async (tx) =>
	createWorld(tx, sandbox.vendors, await surveyWorld(sandbox.vendors), 'http://127.0.0.1:9')
);

// What lives in every container: what an instance does depends on what its test says of its name.
type Mood = 'well' | 'away' | 'broken' | 'other' | 'selector' | 'slow';
const moods = new Map<string, Mood>();
const hanging = new Set<ServerResponse>();
const origin = createServer((request, response) => {
	const slug = (request.headers.host ?? '').split('.')[0]!;
	const mood = moods.get(slug) ?? 'well';
	if (mood === 'slow') return void hanging.add(response);
	if (mood === 'broken') return void response.writeHead(500).end('Internal Server Error');
	if (mood === 'away') return void response.writeHead(404).end();
	const database = mood === 'other' ? 'somebody' : slug;
	const form = `<input name="login"><input type="hidden" name="db" value="${database}">`;
	response.writeHead(200).end(mood === 'selector' ? '<h1>Databases</h1>' : form);
});
await new Promise<void>((listening) => origin.listen(0, '127.0.0.1', listening));
afterAll(() => {
	origin.closeAllConnections();
	origin.close();
});

/** Every name under the base domain leads to that one server. */
const cloudflare = cloudflareDocument(sandbox.kernel);
const [tunnel] = cloudflare.get().tunnels;
const service = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
const rules = [{ hostname: '*.sajet.us', service }, { service: 'http_status:404' }];
tunnel!.config = { ...tunnel!.config, ingress: rules };
const record: DnsRecord = {
	...{ id: 'all', zone_id: zoneIdOf('sajet.us'), name: '*.sajet.us', type: 'CNAME' },
	...{ content: `${tunnel!.id}.cfargotunnel.com`, proxied: true, proxiable: true, ttl: 1 },
	...{ comment: null, tags: [], settings: {}, created_on: '', modified_on: '' }
};
cloudflare.get().records.push(record);

const template = await db.container.findFirstOrThrow({ where: { purpose: 'template' } });
const container = await db.container.create({
	data: {
		...{
			clusterId: template.clusterId,
			nodeId: template.nodeId,
			vmid: 500,
			hostname: 'compartido'
		},
		...{ purpose: 'shared', cpuCores: 4, ramMb: 8192, diskGb: 80, slots: 100, status: 'running' }
	}
});

const server = await db.container.create({
	data: {
		...{ clusterId: template.clusterId, nodeId: template.nodeId, vmid: 501, hostname: 'bases' },
		...{ purpose: 'postgres', cpuCores: 2, ramMb: 4096, diskGb: 40, status: 'running' },
		served: { connect: { id: container.id } }
	}
});

beforeEach(async () => {
	setClockOffset(0);
	sandbox.kernel.faults.clear();
	moods.clear();
	for (const response of hanging) response.destroy();
	hanging.clear();
	Object.assign(patience, { atATime: 100, slotMs: 500, runMs: 30_000 });
	// Long enough for those who are well, on a machine that does much else.
	lookPatience.lookMs = 2_000;
	await db.alert.deleteMany();
	await db.tenantUptime.deleteMany();
	await db.tenantOutage.deleteMany();
	await db.containerAct.deleteMany();
	await db.tenant.deleteMany();
	await db.container.updateMany({ data: { wantedRunning: true } });
});

async function onAir(data: object = {}) {
	const { id, customerId, slug } = await createUnplacedTenant(db, { isolation: 'shared' });
	const placed = { containerId: container.id, status: 'active' as const, published: true };
	await db.tenant.update({ where: { id }, data: { ...placed, activatedAt: now(), ...data } });
	return { id, customerId, slug };
}
const many = (count: number) => Promise.all(Array.from({ length: count }, () => onAir()));
const fresh = ({ id }: { id: string }) => db.tenant.findUniqueOrThrow({ where: { id } });
const outages = ({ id: tenantId }: { id: string }) =>
	db.tenantOutage.findMany({ where: { tenantId }, orderBy: { startedAt: 'asc' } });
const counted = async ({ id: tenantId }: { id: string }) => {
	const { _sum } = await db.tenantUptime.aggregate({
		where: { tenantId },
		_sum: { probes: true, answered: true }
	});
	return _sum;
};
const alerts = (rule: string) => db.alert.count({ where: { rule, closedAt: null } });
const DOWN = 'provisioning.tenant-down';

it('counts every look in its hour, and how long it took; who is off the air is not asked', async () => {
	const tenants = await many(25);
	const away = await Promise.all([
		onAir({ status: 'suspended' }),
		onAir({ status: 'migrating' }),
		onAir({ published: false })
	]);
	await probeAll();
	await probeAll();
	setClockOffset(HOUR);
	await probeAll();
	for (const tenant of tenants) expect(await counted(tenant)).toEqual({ probes: 3, answered: 3 });
	for (const tenant of away)
		expect(await counted(tenant)).toEqual({ probes: null, answered: null });
	const hours = await db.tenantUptime.findMany({ where: { tenantId: tenants[0]!.id } });
	expect(hours).toHaveLength(2);
	for (const hour of hours) {
		expect(hour.at.getTime() % HOUR).toBe(0);
		expect(hour.latencyMaxMs).toBeGreaterThan(0);
		expect(hour.latencySumMs).toBeGreaterThanOrEqual(hour.latencyMaxMs);
	}
	expect(await db.tenantOutage.count()).toBe(0);
});

it.each([
	['away', 'http_404'],
	['broken', 'http_500'],
	['other', 'other_database'],
	['selector', 'no_login'],
	['slow', 'timeout']
] as const)(
	'an instance that is %s is an outage from the first miss to the first answer',
	async (mood, seen) => {
		const [tenant, well] = [await onAir(), await onAir()];
		moods.set(tenant.slug, mood);
		await probeAll();
		expect(await outages(tenant)).toMatchObject([{ seen, endedAt: null, planned: false }]);
		setClockOffset(MINUTE);
		await probeAll();
		expect(await fresh(tenant)).toMatchObject({ status: 'active', probeMisses: 2 });
		expect(await alerts(DOWN)).toBe(0);
		moods.clear();
		setClockOffset(2 * MINUTE);
		await probeAll();
		const [outage, ...more] = await outages(tenant);
		expect(more).toEqual([]);
		const lasted = outage!.endedAt!.getTime() - outage!.startedAt.getTime();
		expect(Math.round(lasted / MINUTE)).toBe(2);
		expect(await fresh(tenant)).toMatchObject({ status: 'active', probeMisses: 0 });
		expect(await counted(tenant)).toEqual({ probes: 3, answered: 1 });
		expect(await counted(well)).toEqual({ probes: 3, answered: 3 });
	}
);

it.each([
	['the tunnel is down', 'edge_1033', () => void (tunnel!.connectors = [])],
	['the record leads nowhere', 'edge_1016', () => void (record.content = 'nowhere.example')],
	['the record is gone', 'nxdomain', () => void (record.name = 'gone.sajet.us')]
])('says what stands in the way: %s', async (_what, seen, act) => {
	const tenant = await onAir();
	const [usual, { connectors }] = [{ ...record }, tunnel!];
	act();
	await probeAll();
	Object.assign(record, usual);
	tunnel!.connectors = connectors;
	expect(await outages(tenant)).toMatchObject([{ seen }]);
});

it('calls it degraded after some misses, tells once, and takes both back when it answers', async () => {
	const tenant = await onAir();
	moods.set(tenant.slug, 'broken');
	for (let round = 0; round < 5; round++) await probeAll();
	expect(await fresh(tenant)).toMatchObject({
		...{ status: 'degraded', probeMisses: 5 },
		// A code, which pages say in words.
		statusReason: expect.stringMatching(/^[a-z]+(_\w+)?$/)
	});
	expect(await alerts(DOWN)).toBe(1);
	expect(await db.notification.count({ where: { kind: DOWN } })).toBe(1);
	moods.clear();
	await probeAll();
	expect(await fresh(tenant)).toMatchObject({ status: 'active', statusReason: null });
	expect(await alerts(DOWN)).toBe(0);
});

it.each([
	['its container', container.id],
	['the server of its databases', server.id]
])(
	'keeps apart that staff stop %s, and tells when it does not come back',
	async (_what, stopped) => {
		const tenant = await onAir();
		await db.container.update({ where: { id: stopped }, data: { wantedRunning: false } });
		moods.set(tenant.slug, 'broken');
		for (let round = 0; round < 4; round++) await probeAll();
		expect(await fresh(tenant)).toMatchObject({ status: 'degraded' });
		expect(await counted(tenant)).toEqual({ probes: null, answered: null });
		expect(await alerts(DOWN)).toBe(0);
		// Started again, it has its time to come up; after that it is an outage like any other.
		await db.container.update({ where: { id: stopped }, data: { wantedRunning: true } });
		await db.containerAct.create({
			data: {
				...{ containerId: stopped, act: 'start', status: 'succeeded', byLabel: 'ops' },
				finishedAt: now()
			}
		});
		await probeAll();
		expect(await alerts(DOWN)).toBe(0);
		setClockOffset(5 * MINUTE);
		await probeAll();
		expect(await alerts(DOWN)).toBe(1);
		expect(await outages(tenant)).toMatchObject([
			{ planned: true, endedAt: expect.any(Date) },
			{ planned: false, endedAt: null }
		]);
	}
);

it('ends the outage, and the alert, of who is taken off the air in its middle', async () => {
	const tenant = await onAir();
	moods.set(tenant.slug, 'broken');
	for (let round = 0; round < 3; round++) await probeAll();
	expect(await alerts(DOWN)).toBe(1);
	await db.tenant.update({ where: { id: tenant.id }, data: { status: 'suspended' } });
	await probeAll();
	expect(await outages(tenant)).toMatchObject([{ endedAt: expect.any(Date) }]);
	expect(await alerts(DOWN)).toBe(0);
});

it('is delayed by nobody: who does not answer gives his place away', async () => {
	Object.assign(patience, { atATime: 2, slotMs: 20, runMs: 6_000 });
	const tenants = await many(24);
	for (const { slug } of tenants.slice(0, 12)) moods.set(slug, 'slow');
	// Two at a time, those who hang would use up all the time that there is before the others are begun.
	await probeAll();
	for (const tenant of tenants.slice(12))
		expect(await counted(tenant)).toEqual({ probes: 1, answered: 1 });
	for (const tenant of tenants.slice(0, 12))
		expect(await counted(tenant)).toEqual({ probes: 1, answered: 0 });
});

it('calls nobody down when we are the ones who see nothing, and says so until we see again', async () => {
	const tenants = await many(12);
	sandbox.kernel.faults.add({ target: 'dns', kind: 'status', times: 10_000 });
	await probeAll();
	expect(await db.tenantUptime.count()).toBe(0);
	expect(await db.tenantOutage.count()).toBe(0);
	expect(await fresh(tenants[0]!)).toMatchObject({ status: 'active', probeMisses: 0 });
	expect(await alerts('provisioning.probe-blind')).toBe(1);
	sandbox.kernel.faults.clear();
	await probeAll();
	expect(await alerts('provisioning.probe-blind')).toBe(0);
	expect(await counted(tenants[0]!)).toEqual({ probes: 1, answered: 1 });
	// The control site is seen: then it is they who do not answer.
	sandbox.kernel.faults.add({
		...{ target: 'dns', kind: 'status', times: 10_000, match: 'sajet\\.us$' }
	});
	await probeAll();
	expect(await alerts('provisioning.probe-blind')).toBe(0);
	expect(await outages(tenants[0]!)).toMatchObject([{ seen: 'dns' }]);
});

it('where nothing behind a tunnel answers, tells of the tunnel and of none of its instances', async () => {
	const SILENT = 'provisioning.tunnel-silent';
	const tenants = await many(3);
	const probes = async (count: number) => {
		for (let look = 0; look < count; look += 1) await probeAll();
		return { tunnel: await alerts(SILENT), down: await alerts(DOWN) };
	};
	moods.set(tenants[0]!.slug, 'away');
	expect(await probes(3)).toEqual({ tunnel: 0, down: 1 });
	for (const { slug } of tenants) moods.set(slug, 'away');
	expect(await probes(1)).toEqual({ tunnel: 1, down: 0 });
	expect(await probes(2)).toEqual({ tunnel: 1, down: 0 });
	expect(await fresh(tenants[1]!)).toMatchObject({ status: 'degraded', probeMisses: 3 });
	const { data, subjectId } = await db.alert.findFirstOrThrow({ where: { rule: SILENT } });
	const { name } = await db.tunnel.findUniqueOrThrow({ where: { id: subjectId } });
	expect(data).toMatchObject({ tunnel: name, count: 3 });
	// What Cloudflare calls down has its alert already.
	const cloudflares = { rule: 'domains.tunnel-down', subjectType: 'tunnel', subjectId };
	await db.alert.create({ data: { ...cloudflares, severity: 'critical', openedAt: now() } });
	expect(await probes(1)).toEqual({ tunnel: 0, down: 0 });
	await db.alert.deleteMany({ where: cloudflares });
	expect(await probes(1)).toEqual({ tunnel: 1, down: 0 });
	moods.delete(tenants[2]!.slug);
	expect(await probes(1)).toEqual({ tunnel: 0, down: 2 });
	moods.clear();
	expect(await probes(1)).toEqual({ tunnel: 0, down: 0 });
});
