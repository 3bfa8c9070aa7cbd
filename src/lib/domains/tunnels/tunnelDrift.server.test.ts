import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { writeConfig } from '../../../sandbox/cloudflare/tunnels.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { aPublishedTenant } from '../../../../tests/factories/tunnels.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import { ignoreDrift, repairDrift } from '../../logs/drifts.server.ts';
import { forgetSettings } from '../../settings/settings.server.ts';
import { documentHash, requestRepair, type RepairWish } from './tunnelDrift.server.ts';
import { readDiff } from './tunnelView.server.ts';
import { converge, requestConvergence } from './tunnels.server.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
await testQueue({ work: false });

const CATCH_ALL = { service: 'http_status:404' };
const GRAFANA = { hostname: 'grafana.sajet.us', service: 'http://10.9.9.9:3000' };
const ANA = { kind: 'staff' as const, id: null, label: 'ana@example.com' };
let tunnelId = '';

beforeEach(async () => {
	kernel.reset();
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name LIKE 'tunnels.%'`;
	await db.drift.deleteMany({});
	await db.alert.deleteMany({});
	await db.setting.deleteMany({});
	forgetSettings();
	await db.tenant.deleteMany({});
	await db.edgeHost.deleteMany({});
	await db.baseDomain.deleteMany({});
	await db.tunnel.deleteMany({});
	const tunnel = await db.tunnel.create({
		data: {
			cloudflareId: standIn.tunnelId,
			name: 'tests',
			baseDomains: { create: { name: 'sajet.us', zoneId: standIn.zoneId, isDefault: true } }
		}
	});
	tunnelId = tunnel.id;
	await aPublishedTenant(db, 'acme');
	await transaction((tx) => requestConvergence(tx, tunnelId));
	await converge(tunnelId);
});

const remote = () => {
	const found = cloudflareDocument(kernel)
		.get()
		.tunnels.find(({ id }) => id === standIn.tunnelId);
	if (!found) throw new Error('the stand-in lost its tunnel');
	return found;
};
const there = () => remote().config?.ingress ?? [];
const meddle = (ingress: { hostname?: string; path?: string; service: string }[]) =>
	writeConfig(remote(), { ...remote().config, ingress }, new Date().toISOString());
const puts = () =>
	kernel.calls.list({ vendor: 'cloudflare', match: '^PUT .*/configurations$' }).length;
const kinds = async () =>
	(await db.tunnelChange.findMany({ where: { tunnelId }, orderBy: { at: 'asc' } })).map(
		({ kind }) => kind
	);
const last = async () => {
	const row = await db.tunnelChange.findFirstOrThrow({
		where: { tunnelId },
		orderBy: { at: 'desc' }
	});
	return { ...row, diff: readDiff(row.diff) };
};
const onRequest = async () => {
	await db.setting.create({
		data: { key: 'cloudflare.tunnel_repair', category: 'cloudflare', value: 'on_request' }
	});
	forgetSettings();
};
/** What the job was asked for. */
async function askedRepair(): Promise<RepairWish> {
	const rows = await db.$queryRaw<{ data: { repair?: RepairWish } }[]>`
		SELECT data FROM pgboss.job WHERE name = 'tunnels.converge' ORDER BY created_on DESC`;
	const wish = rows.find(({ data }) => data.repair)?.data.repair;
	if (!wish) throw new Error('no repair was asked for');
	return wish;
}
const openDrift = () => db.drift.findFirst({ where: { closedAt: null } });
const openAlert = () => db.alert.findFirst({ where: { closedAt: null } });

describe('the log of a tunnel', () => {
	test('has a row for each write with what it changed and the version that it made, and none for a look', async () => {
		expect(await last()).toMatchObject({
			kind: 'converged',
			remoteVersion: remote().version,
			diff: { added: [{ hostname: 'acme.sajet.us' }, { hostname: 'acme.sajet.us' }], removed: [] }
		});
		await converge(tunnelId);
		await converge(tunnelId);
		expect(await kinds()).toEqual(['converged']);
	});

	test('a derivation of another release is no writer from outside', async () => {
		await db.tenant.updateMany({ data: { status: 'suspended' } });
		await converge(tunnelId);
		expect(await kinds()).toEqual(['converged', 'converged']);
		expect(await db.drift.count()).toBe(0);
	});

	test('a write of ours whose answer was lost is no writer from outside', async () => {
		await db.tenant.updateMany({ data: { status: 'suspended' } });
		kernel.faults.add({ target: 'cloudflare', match: '^PUT ', kind: 'reset', when: 'after' });
		await expect(converge(tunnelId)).rejects.toThrow();
		await db.tenant.updateMany({ data: { status: 'active' } });
		await converge(tunnelId);
		expect(await db.drift.count()).toBe(0);
		expect(there()).toHaveLength(3);
	});
});

describe('somebody else writes, and it is put right at once', () => {
	test('what is missing comes back, what is foreign is kept, and everything is in the log', async () => {
		const ours = structuredClone(there());
		meddle([GRAFANA, CATCH_ALL]);
		await converge(tunnelId);
		expect(there()).toEqual([GRAFANA, ...ours]);
		expect(await kinds()).toEqual(['converged', 'drifted', 'adopted', 'repaired']);
		const drifted = await db.tunnelChange.findFirstOrThrow({ where: { kind: 'drifted' } });
		expect(readDiff(drifted.diff)).toMatchObject({
			added: [GRAFANA],
			removed: [{ hostname: 'acme.sajet.us' }, { hostname: 'acme.sajet.us' }],
			counts: { added: 1, removed: 2, changed: 0 }
		});
		expect(await db.drift.findMany()).toMatchObject([
			{ kind: 'domains.ingress-differs', subjectId: tunnelId, outcome: 'repaired' }
		]);
		expect(await openAlert()).toBeNull();
		expect(await db.alert.findMany()).toMatchObject([
			{ rule: 'domains.ingress-differs', severity: 'critical' }
		]);
		expect(await db.notification.count({ where: { kind: 'domains.ingress-differs' } })).toBe(1);
	});

	test('while a new tenant comes, both happen', async () => {
		await aPublishedTenant(db, 'beta');
		await transaction((tx) => requestConvergence(tx, tunnelId));
		meddle([GRAFANA, CATCH_ALL]);
		await converge(tunnelId);
		const hosts = new Set(there().map(({ hostname }) => hostname));
		expect(hosts).toEqual(
			new Set(['grafana.sajet.us', 'acme.sajet.us', 'beta.sajet.us', undefined])
		);
		expect(await kinds()).toContain('drifted');
	});
});

describe('somebody else writes, and a person is to decide', () => {
	beforeEach(async () => {
		await onRequest();
		meddle([GRAFANA, CATCH_ALL]);
	});

	test('nothing is written, it is news once, and an alert stays open', async () => {
		const before = puts();
		await converge(tunnelId);
		await converge(tunnelId);
		expect(puts()).toBe(before);
		expect(there()).toEqual([GRAFANA, CATCH_ALL]);
		expect(await kinds()).toEqual(['converged', 'drifted']);
		expect(await openDrift()).toMatchObject({ subjectType: 'tunnel', subjectId: tunnelId });
		expect(await openAlert()).toMatchObject({ rule: 'domains.ingress-differs' });
		meddle([CATCH_ALL]);
		await converge(tunnelId);
		expect(await kinds()).toEqual(['converged', 'drifted', 'drifted']);
		expect(await db.drift.count()).toBe(1);
	});

	test('what goes away by itself is over', async () => {
		const ours = [...there()];
		await converge(tunnelId);
		expect(ours).toEqual([GRAFANA, CATCH_ALL]);
		const wanted = (await last()).diff!.removed;
		meddle([...wanted, CATCH_ALL]);
		await converge(tunnelId);
		expect(await db.drift.findFirstOrThrow()).toMatchObject({ outcome: 'gone' });
		expect(await openAlert()).toBeNull();
	});

	test.each(['keep', 'remove'] as const)('repair, and %s the foreign rules', async (foreign) => {
		await converge(tunnelId);
		await transaction((tx) => requestRepair(tx, tunnelId, { foreign }, ANA));
		await converge(tunnelId, await askedRepair());
		const hosts = there().map(({ hostname }) => hostname);
		expect(hosts.includes(GRAFANA.hostname)).toBe(foreign === 'keep');
		expect(hosts).toContain('acme.sajet.us');
		expect(await db.edgeHost.count()).toBe(foreign === 'keep' ? 1 : 0);
		expect(await last()).toMatchObject({ kind: 'repaired', byLabel: ANA.label });
		expect(await db.drift.findFirstOrThrow()).toMatchObject({
			outcome: 'repaired',
			repairBy: ANA.label
		});
		expect(await openAlert()).toBeNull();
		expect(
			await db.auditEntry.count({ where: { action: 'domains.repair-tunnel', subjectId: tunnelId } })
		).toBeGreaterThan(0);
	});

	test('only what was seen is removed', async () => {
		await converge(tunnelId);
		await transaction((tx) => requestRepair(tx, tunnelId, { foreign: 'remove' }, ANA));
		const wiki = { hostname: 'wiki.sajet.us', service: 'http://10.9.9.8' };
		meddle([GRAFANA, wiki, CATCH_ALL]);
		await converge(tunnelId, await askedRepair());
		expect(there()).toEqual([GRAFANA, wiki, CATCH_ALL]);
		expect(await openDrift()).not.toBeNull();
		const seen = documentHash([GRAFANA, CATCH_ALL]);
		await expect(
			transaction((tx) => requestRepair(tx, tunnelId, { foreign: 'remove', seen }, ANA))
		).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
	});

	test('the one click of a drift keeps what is foreign', async () => {
		await converge(tunnelId);
		expect(await repairDrift((await openDrift())!.id, ANA)).toBe('asked');
		await converge(tunnelId, await askedRepair());
		expect(there().map(({ hostname }) => hostname)).toContain(GRAFANA.hostname);
		expect(await openDrift()).toBeNull();
	});

	test('what somebody leaves as it is stays, and is no news', async () => {
		await converge(tunnelId);
		await ignoreDrift((await openDrift())!.id, 'another team tries something', SYSTEM);
		const before = puts();
		await converge(tunnelId);
		expect(await openDrift()).toBeNull();
		expect(puts()).toBe(before);
	});

	test('a new tenant waits for nobody: what is foreign is kept with it', async () => {
		await converge(tunnelId);
		await aPublishedTenant(db, 'beta');
		await transaction((tx) => requestConvergence(tx, tunnelId));
		await converge(tunnelId);
		const hosts = new Set(there().map(({ hostname }) => hostname));
		expect(hosts).toEqual(new Set([GRAFANA.hostname, 'acme.sajet.us', 'beta.sajet.us', undefined]));
		expect(await openDrift()).toBeNull();
	});
});

test('while Cloudflare is away nothing is taken for drift, and what was wanted comes after', async () => {
	kernel.faults.add({ target: 'cloudflare', match: '/configurations', kind: 'reset', times: 100 });
	await aPublishedTenant(db, 'beta');
	await transaction((tx) => requestConvergence(tx, tunnelId));
	await expect(converge(tunnelId)).rejects.toThrow();
	expect((await db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } })).error).toMatch(/\w/);
	expect(await db.drift.count()).toBe(0);
	kernel.faults.clear();
	await converge(tunnelId);
	expect(there().map(({ hostname }) => hostname)).toContain('beta.sajet.us');
	expect((await db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } })).error).toBeNull();
});
