import { beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { testContainers } from '../../../../tests/setup/containers.ts';
import { nodeFigures } from './figures.server.ts';
import { readHealth } from './health.ts';
import { lookPatience } from './nodeLook.server.ts';
import { checkNodes } from './nodes.server.ts';
import { nodeCards, statesOf } from '../metrics/cards.server.ts';
import { watchClusters } from '../metrics/metrics.server.ts';

const { sandbox, pve } = await testContainers({ work: false });
const node = (name: string) => db.node.findFirstOrThrow({ where: { name } });
const health = async (name: string) => readHealth((await node(name)).health)!;
const placing = async () => (await nodeFigures(db)).map((one) => [one.name, one.placing]);
const alerts = (rule: string) => db.alert.findMany({ where: { rule, closedAt: null } });
const woken = async () => {
	const rows = await db.$queryRaw<{ count: bigint }[]>`
		SELECT count(*) FROM pgboss.job WHERE name = 'provisioning.capacity-appeared'`;
	return Number(rows[0]!.count);
};
/** Calls that Proxmox has seen, by what they ask for. */
const seen = (match: string) => sandbox.kernel.calls.list({ vendor: 'proxmox', match }).length;
const ONCE = { target: 'proxmox' as const, times: 1 };
const PVE2 = await node('pve2');
const host = new URL(PVE2.apiUrl).host;
const ofPve2 = (_line: string, context: string) => context.includes(host);
const WELL = { misses: 0, haltedAt: null, haltedBy: null, offlineSince: null };
const storage = (name: string) => pve.state.storages.find((one) => one.storage === name)!;
const acl = structuredClone(pve.state.acl);

beforeEach(async () => {
	setClockOffset(0);
	sandbox.kernel.faults.clear();
	sandbox.kernel.calls.clear();
	for (const { name } of pve.state.nodes) pve.setOnline(name, true);
	pve.state.nodes.forEach((one) => Object.assign(one, { cores: 16, clockAheadS: 0 }));
	pve.state.storages.forEach((one) => Object.assign(one, { offline: false, filled: {} }));
	pve.state.acl = structuredClone(acl);
	await db.node.updateMany({
		data: { status: 'online', cpuTotal: 16, lookedAt: null, health: Prisma.DbNull, ...WELL }
	});
	await db.node.update({
		where: { id: PVE2.id },
		data: { sshPort: PVE2.sshPort, apiFingerprint: PVE2.apiFingerprint }
	});
	await db.alert.deleteMany();
	await db.nodeStorage.deleteMany();
});

describe('a check', () => {
	it('stores what each node says of itself, part by part, in few calls', async () => {
		await db.node.updateMany({ data: { proxmoxVersion: null, ramTotalMb: 1, lastSeenAt: null } });
		await checkNodes();
		// 3000 GiB of shared storage in three equal parts.
		expect(await node('pve2')).toMatchObject({
			...{ status: 'online', proxmoxVersion: '9.1.6', cpuTotal: 16, ramTotalMb: 65_536 },
			...{ diskTotalGb: 1000, lastSeenAt: expect.any(Date), clockSkewMs: expect.any(Number) }
		});
		const { problems, ...parts } = await health('pve2');
		expect(parts).toMatchObject({
			api: { state: 'ok', ms: expect.any(Number) },
			ssh: { state: 'ok', ms: expect.any(Number) },
			storage: { state: 'ok', rootfs: 'ok', faults: [] },
			clock: { state: 'ok' },
			version: { state: 'ok', version: '9.1.6' },
			privileges: { state: 'ok', missing: [] },
			cluster: { state: 'ok', quorate: true, online: 3, members: 3 }
		});
		expect(problems).toEqual([]);
		const stored = await db.nodeStorage.findMany({
			where: { nodeId: PVE2.id },
			orderBy: { storage: 'asc' }
		});
		expect(stored.map((one) => one.storage)).toEqual(
			pve.state.storages.map((one) => one.storage).toSorted()
		);
		expect(stored[0]).toMatchObject({
			...{ type: 'rbd', content: ['rootdir', 'images'], shared: true, active: true, totalGb: 3000 }
		});
		sandbox.kernel.calls.clear();
		await checkNodes();
		expect([seen('/time'), seen('/cluster/'), seen('')]).toEqual([3, 2, 5]);
		const { clock } = await health('pve2');
		// One question each, whatever the round: in place of the time the version, then the privileges.
		for (const instead of ['/version', '/permissions']) {
			setClockOffset(6 * MINUTE);
			sandbox.kernel.calls.clear();
			await checkNodes();
			expect([seen('/time'), seen(instead), seen('')]).toEqual([0, 3, 5]);
			expect(await health('pve2')).toMatchObject({ clock, version: { version: '9.1.6' } });
		}
	});

	it('of a host that stands alone takes two calls, which are all of its round', async () => {
		const { nodes } = pve.state;
		pve.state.nodes = nodes.slice(0, 1);
		await db.node.updateMany({ where: { name: { not: 'pve1' } }, data: { removedAt: new Date() } });
		await checkNodes();
		sandbox.kernel.calls.clear();
		await db.resourceMetric.deleteMany();
		await watchClusters();
		expect(seen('')).toBe(2);
		expect(await db.resourceMetric.count({ where: { nodeId: (await node('pve1')).id } })).toBe(1);
		expect((await health('pve1')).cluster).toMatchObject({ state: 'ok', members: 1 });
		pve.state.nodes = nodes;
		await db.node.updateMany({ data: { removedAt: null } });
	});

	it('calls a node offline after some looks without an answer, since the first of them, and takes it back', async () => {
		pve.setOnline('pve2', false);
		await checkNodes();
		const first = await node('pve2');
		expect(first).toMatchObject({ status: 'online', misses: 1, haltedBy: 'api' });
		expect(await placing()).toContainEqual(['pve2', 'unwell']);
		await checkNodes();
		expect(await alerts('infrastructure.node-offline')).toEqual([]);
		await checkNodes();
		const { offlineSince } = first;
		expect(await node('pve2')).toMatchObject({ status: 'offline', misses: 3, offlineSince });
		expect(await node('pve1')).toMatchObject({ status: 'online', ...WELL });
		expect(await alerts('infrastructure.node-offline')).toMatchObject([{ data: { node: 'pve2' } }]);
		// Its own state says it: nobody is told of the same twice.
		expect(await alerts('infrastructure.node-unwell')).toEqual([]);
		const before = await woken();
		pve.setOnline('pve2', true);
		await checkNodes();
		expect(await node('pve2')).toMatchObject({ status: 'online', ...WELL });
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(0);
		expect(await woken()).toBeGreaterThan(before);
	});

	it('wakes who waits when a node has grown, and only then', async () => {
		await checkNodes();
		const before = await woken();
		await checkNodes();
		expect(await woken()).toBe(before);
		pve.state.nodes[0]!.cores = 32;
		await checkNodes();
		expect(await node('pve1')).toMatchObject({ cpuTotal: 32 });
		expect(await woken()).toBe(before + 1);
	});

	it('leaves the state of a node in maintenance to the staff, and still says how it is', async () => {
		await db.node.updateMany({ where: { name: 'pve3' }, data: { status: 'maintenance' } });
		pve.setOnline('pve3', false);
		for (let looks = 0; looks < 4; looks++) await checkNodes();
		expect(await node('pve3')).toMatchObject({ status: 'maintenance', misses: 4 });
		expect((await health('pve3')).api).toMatchObject({ state: 'error', kind: 'unreachable' });
		expect(await db.alert.count()).toBe(0);
	});

	it('that is answered late does not undo what a later one has found out', async () => {
		let later = Promise.resolve();
		lookPatience.apiMs = 800;
		sandbox.kernel.faults.add({
			...{ ...ONCE, match: '/time', kind: 'timeout', only: ofPve2 },
			onTaken: () => (later = checkNodes())
		});
		await checkNodes();
		await later;
		lookPatience.apiMs = 5_000;
		expect(sandbox.kernel.faults.list()).toEqual([]);
		expect(await node('pve2')).toMatchObject({ status: 'online', ...WELL });
	});

	it('says why when a node shows another certificate', async () => {
		const apiFingerprint = PVE2.apiFingerprint.replace(/../g, '00');
		await db.node.update({ where: { id: PVE2.id }, data: { apiFingerprint } });
		for (let looks = 0; looks < 3; looks++) await checkNodes();
		expect(await node('pve2')).toMatchObject({ status: 'offline' });
		const [alert] = await alerts('infrastructure.node-offline');
		expect(JSON.stringify(alert!.data)).toContain('another certificate');
	});
});

describe('a node that is unwell', () => {
	it('has a clock that is off: first a warning, then an error, and staff hear of it once it stays so', async () => {
		const pve3 = pve.state.nodes[2]!;
		pve3.clockAheadS = 8;
		await checkNodes();
		expect((await health('pve3')).clock.state).toBe('warning');
		expect((await node('pve3')).clockSkewMs).toBeGreaterThan(6_000);
		expect(await db.alert.count()).toBe(0);
		pve3.clockAheadS = -90;
		await checkNodes();
		expect((await health('pve3')).clock.state).toBe('error');
		expect(await alerts('infrastructure.node-unwell')).toMatchObject([
			{ severity: 'critical', data: { node: 'pve3', problems_es: expect.stringContaining('9') } }
		]);
		// Certificates and sessions of what is made there would fail.
		expect(await placing()).toContainEqual(['pve3', 'unwell']);
		pve3.clockAheadS = 0;
		await checkNodes();
		expect(await db.alert.count({ where: { closedAt: null } })).toBe(0);
	});

	it('has a token that lost privileges, which are named', async () => {
		for (const entry of pve.state.acl)
			if (entry.ugid === 'erpcore@pve!control') entry.role = 'PVEVMUser';
		await checkNodes();
		const { privileges, storage: storages, api } = await health('pve1');
		expect(api.state).toBe('ok');
		expect(storages.state).toBe('unknown');
		expect(privileges.state).toBe('error');
		expect(privileges.missing).toContainEqual({ name: 'VM.Clone', path: '/vms' });
		expect(privileges.missing.map(({ name }) => name)).not.toContain('VM.PowerMgmt');
		expect(await node('pve1')).toMatchObject({ status: 'online', misses: 0 });
		expect(await placing()).toContainEqual(['pve1', 'unwell']);
		const cards = await nodeCards(db, {
			q: '',
			page: 1,
			pageSize: 9,
			filters: { state: 'unwell' }
		});
		expect(cards.rows.map(statesOf)).toContainEqual(['online', 'unwell']);
	});

	it('has nobody with whom it is a majority: it takes no changes until they are back, and who waits is woken', async () => {
		for (const name of ['pve2', 'pve3']) pve.setOnline(name, false);
		await checkNodes();
		expect((await health('pve1')).cluster).toMatchObject({ state: 'error', quorate: false });
		expect(await placing()).toContainEqual(['pve1', 'unwell']);
		const before = await woken();
		for (const name of ['pve2', 'pve3']) pve.setOnline(name, true);
		await checkNodes();
		expect(await placing()).toContainEqual(['pve1', 'online']);
		expect(await woken()).toBeGreaterThan(before);
	});

	it('has no storage for containers: they go nowhere while that lasts, and who waits is woken after it', async () => {
		const ceph = storage('ceph');
		await checkNodes();
		ceph.offline = true;
		await checkNodes();
		expect((await health('pve1')).storage).toMatchObject({
			rootfs: 'error',
			faults: [{ storage: 'ceph', code: 'inactive' }]
		});
		expect(await placing()).toEqual(['pve1', 'pve2', 'pve3'].map((name) => [name, 'unwell']));
		expect(await db.nodeStorage.findFirst({ where: { storage: 'ceph' } })).toMatchObject({
			...{ active: false, totalGb: 3000 }
		});
		await checkNodes();
		// All three share it: one of them tells.
		expect(await alerts('infrastructure.node-unwell')).toHaveLength(1);
		ceph.offline = false;
		ceph.filled['*'] = 2_700 * 1024 ** 3;
		const before = await woken();
		await checkNodes();
		expect((await health('pve1')).storage).toMatchObject({
			rootfs: 'warning',
			faults: [{ storage: 'ceph', code: 'filling' }]
		});
		expect(await woken()).toBeGreaterThan(before);
		ceph.filled['*'] = 2_990 * 1024 ** 3;
		await checkNodes();
		expect((await health('pve1')).storage.faults).toMatchObject([{ code: 'full' }]);
		expect(await placing()).toContainEqual(['pve1', 'unwell']);
	});

	it('is one that no longer lets us in over SSH', async () => {
		await db.node.update({ where: { id: PVE2.id }, data: { sshPort: 9 } });
		await checkNodes();
		expect((await health('pve2')).ssh).toMatchObject({ state: 'error', kind: 'unreachable' });
		expect(await node('pve2')).toMatchObject({ status: 'online', haltedBy: 'ssh' });
		expect(await placing()).toContainEqual(['pve2', 'unwell']);
		await db.node.update({ where: { id: PVE2.id }, data: { sshPort: PVE2.sshPort } });
		await checkNodes();
		expect(await node('pve2')).toMatchObject(WELL);
	});
});
