import { beforeEach, describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { listDrifts } from '#lib/logs/driftList.server.ts';
import { repairDrift } from '#lib/logs/drifts.server.ts';
import { addStranger, tamper, vanish } from '../../../sandbox/proxmox/tamper.ts';
import { testDrifts } from '../../../../tests/setup/drifts.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { writeMark } from '../containers/marks.ts';
import { adoptGuest, readGuest } from '../containers/adoption.server.ts';
import { collectMetrics } from '../metrics/metrics.server.ts';
import { reconcileClusters } from './reconcile.server.ts';
import { adoptStranger, leaveAlone } from './strangers.server.ts';

const world = await testDrifts();
const { sandbox, pve, by, guest, change, elsewhere, open, only, fresh, putBack } = world;
let row: Awaited<ReturnType<typeof world.begin>>;
beforeEach(async () => {
	row = await world.begin();
});

it('finds nothing where both say the same, with one call for all and no configuration twice', async () => {
	sandbox.kernel.calls.clear();
	const run = await reconcileClusters('ops@example.com');
	expect(run).toMatchObject({ area: 'infrastructure', byLabel: 'ops@example.com', error: null });
	expect(run.compared).toEqual({ clusters: 1, containers: 2, guests: 2, configs: 1 });
	expect(run.finishedAt).not.toBeNull();
	expect(await open()).toEqual([]);
	const calls = sandbox.kernel.calls.list({ vendor: 'proxmox' }).map(({ line }) => line);
	expect(calls.filter((line) => line.includes('/cluster/resources'))).toHaveLength(1);
	expect(calls.filter((line) => line.includes('/config'))).toHaveLength(1);
});

describe('what differs', () => {
	const OTHER = '00000000-0000-4000-8000-000000000001';
	const cases: [string, string, () => void, string][] = [
		['missing', 'it is gone', () => vanish(pve, String(row.vmid)), 'destroyed-elsewhere'],
		['stopped', 'it was stopped', () => pve.markStopped(guest()), 'stopped-elsewhere'],
		['limits', 'it has more cores', () => change({ cores: 4 }), 'changed-elsewhere'],
		['limits', 'it has less memory', () => change({ memory_mib: 1024 }), 'changed-elsewhere'],
		['limits', 'it has a larger disk', () => change({ disk_gib: 80 }), 'changed-elsewhere'],
		['address', 'it has another name', () => change({ hostname: 'otro' }), 'changed-elsewhere'],
		[
			'address',
			'it has another address',
			() => change({ address: '10.10.20.99/24' }),
			'changed-elsewhere'
		],
		['mark', 'its mark is gone', () => change({ description: '', tags: '' }), 'mark-gone'],
		[
			'mark',
			'it bears another mark',
			() => change({ description: writeMark({ jobId: OTHER, containerId: OTHER }) }),
			'other-mark'
		],
		['template', 'it became a template', () => change({ template: true }), 'made-template']
	];
	it.each(cases)('infrastructure.%s: %s', async (kind, _what, act, cause) => {
		act();
		await reconcileClusters();
		expect(await only()).toMatchObject({
			...{ kind: `infrastructure.${kind}`, subjectType: 'container', subjectId: row.id, cause }
		});
		// It keeps its age, and is closed by itself when it is right again.
		const { id, firstSeenAt } = await only();
		await reconcileClusters();
		expect(await only()).toMatchObject({ id, firstSeenAt });
		putBack();
		await reconcileClusters();
		expect(await open()).toEqual([]);
		expect(await db.drift.findUnique({ where: { id } })).toMatchObject({ outcome: 'gone' });
	});

	it('a template that is none, and one that is gone', async () => {
		tamper(pve, pve.state.containers[9018]!, { template: false });
		await reconcileClusters();
		expect(await only()).toMatchObject({
			...{ kind: 'infrastructure.template', cause: 'not-a-template' }
		});
		vanish(pve, '9018');
		await reconcileClusters();
		expect(await only()).toMatchObject({ kind: 'infrastructure.missing' });
	});

	it('of one that staff stopped, only that it runs', async () => {
		await db.container.update({
			where: { id: row.id },
			data: { wantedRunning: false, status: 'stopped' }
		});
		pve.markStopped(guest());
		await reconcileClusters();
		expect(await open()).toEqual([]);
		pve.markRunning(guest(), 0);
		await reconcileClusters();
		const drift = await only();
		expect(drift).toMatchObject({ kind: 'infrastructure.running' });
		await expect(repairDrift(drift.id, by)).rejects.toMatchObject({ code: 'WRONG_STATE' });
	});

	it('an address that somebody else took', async () => {
		const { ipAddress } = await fresh();
		addStranger(pve, { vmid: 640, hostname: 'correo', address: `${ipAddress}/24` });
		await reconcileClusters();
		const [twice, stranger] = await open();
		expect(twice).toMatchObject({
			...{ kind: 'infrastructure.address-twice', subjectId: row.id },
			theirs: { address: ipAddress, vmid: 640, hostname: 'correo' }
		});
		expect(stranger).toMatchObject({ kind: 'infrastructure.stranger', cause: 'made-elsewhere' });
		const query = { sort: { direction: 'asc' as const }, page: 1, pageSize: 25, cursor: null };
		const listed = { ...query, q: 'CORREO', filters: {}, area: 'infrastructure' };
		expect((await listDrifts(db, listed)).rows).toHaveLength(2);
		expect((await listDrifts(db, { ...listed, q: 'nadie' })).rows).toEqual([]);
	});
});

describe('nothing is said', () => {
	it.each([
		['a set-up', { status: 'provisioning' }],
		['a removal', { retiring: true }]
	] as const)('of what %s is at work on', async (_who, data) => {
		await db.container.update({ where: { id: row.id }, data });
		vanish(pve, String(row.vmid));
		await reconcileClusters();
		expect(await open()).toEqual([]);
		await db.container.update({
			where: { id: row.id },
			data: { status: 'running', retiring: false }
		});
	});

	it('of what an act is at work on; what was open before stays open', async () => {
		pve.markStopped(guest());
		await reconcileClusters();
		const { id } = await only();
		await db.containerAct.create({
			data: { containerId: row.id, act: 'start', status: 'running', byLabel: 'ops' }
		});
		await reconcileClusters();
		expect(await only()).toMatchObject({ id });
	});

	it('of the containers of a node that is down: unknown is not missing', async () => {
		change({ cores: 4 });
		await reconcileClusters();
		const { id } = await only();
		pve.setOnline(guest().node, false);
		const run = await reconcileClusters();
		expect(run.error).toContain(`${guest().node}: 1 CT`);
		expect(await only()).toMatchObject({ id });
		await collectMetrics();
		expect(await fresh()).toMatchObject({ status: 'running' });
	});

	it('of a cluster that does not answer', async () => {
		addStranger(pve, { vmid: 641 });
		await reconcileClusters();
		const { id } = await only();
		sandbox.kernel.faults.add({ target: 'proxmox', kind: 'status', status: 500, times: 50 });
		const run = await reconcileClusters();
		expect(run).toMatchObject({ compared: { clusters: 0 }, error: expect.any(String) });
		expect(await only()).toMatchObject({ id });
	});

	it('of high availability, where that alone is not said', async () => {
		const { id: haNodeId } = await db.node.findFirstOrThrow({ where: { name: elsewhere() } });
		await db.container.update({ where: { id: row.id }, data: { haNodeId } });
		change({ cores: 4 });
		await reconcileClusters();
		expect(await open()).toHaveLength(2);
		const refusal = { kind: 'status', status: 403, times: 50 } as const;
		sandbox.kernel.faults.add({ target: 'proxmox', match: '/cluster/ha', ...refusal });
		putBack();
		await reconcileClusters();
		expect(await only()).toMatchObject({ kind: 'infrastructure.ha-missing' });
		await db.container.update({ where: { id: row.id }, data: { haNodeId: null } });
	});
});

describe('who was moved', () => {
	it('is followed by itself, and leaves an entry in the ledger and in the audit log', async () => {
		const to = elsewhere();
		change({ node: to });
		await collectMetrics();
		expect(await fresh()).toMatchObject({ node: { name: to } });
		expect(await open()).toEqual([]);
		expect(await db.drift.findFirst({ where: { kind: 'infrastructure.moved' } })).toMatchObject({
			...{ subjectId: row.id, outcome: 'repaired', theirs: { node: to } }
		});
		expect(
			await db.auditEntry.findFirst({ where: { action: 'infrastructure.follow-container' } })
		).toMatchObject({ subjectId: row.id, after: { node: to, vmid: row.vmid } });
	});

	it('is followed when somebody says so, unless its node is not enrolled', async () => {
		const to = elsewhere();
		change({ node: to });
		await reconcileClusters();
		const { id } = await only();
		expect(await repairDrift(id, by)).toBe('done');
		expect(await fresh()).toMatchObject({ node: { name: to } });
		const foreign = { ...pve.state.nodes[0]!, name: 'pve9' };
		pve.state.nodes.push(foreign);
		change({ node: 'pve9' });
		await reconcileClusters();
		const drift = await only();
		await expect(repairDrift(drift.id, by)).rejects.toMatchObject({ code: 'BY_HAND' });
		pve.state.nodes.pop();
	});
});

describe('a repair', () => {
	it.each([
		['starts what should run', () => pve.markStopped(guest()), { status: 'running' }],
		[
			'gives back the limits',
			() => change({ cores: 8, memory_mib: 512 }),
			{ config: { cores: 2, memory: 4096 } }
		],
		[
			'never shrinks a disk: the row grows with it',
			() => change({ disk_gib: 60 }),
			{ config: { rootfs: expect.stringContaining('size=60G') } }
		]
	] as const)('%s', async (_what, act, then) => {
		act();
		await reconcileClusters();
		const { id } = await only();
		expect(await repairDrift(id, by)).toBe('asked');
		const done = { containerId: row.id, status: 'succeeded' as const, byLabel: by.label };
		await eventually(() => db.containerAct.findFirst({ where: done }), 30);
		expect(guest()).toMatchObject(then);
		await reconcileClusters();
		expect(await open()).toEqual([]);
	});
});

describe('a stranger', () => {
	const stranger = async () => {
		addStranger(pve, { vmid: 650, hostname: 'viejo', status: 'running' });
		await reconcileClusters();
		return only();
	};

	it('is told with whose it may be; a lost copy of ours is the sweeper’s', async () => {
		expect(await stranger()).toMatchObject({
			...{ subjectType: 'guest', subjectId: `${row.clusterId}/650`, cause: 'made-elsewhere' },
			theirs: { vmid: 650, hostname: 'viejo' }
		});
		const foreign = '00000000-0000-4000-8000-00000000000a';
		tamper(pve, pve.state.containers[650]!, {
			description: writeMark({ jobId: foreign, containerId: foreign })
		});
		await reconcileClusters();
		expect(await only()).toMatchObject({ cause: 'other-installation' });
		tamper(pve, pve.state.containers[650]!, {
			description: writeMark({ jobId: foreign, containerId: row.id })
		});
		await reconcileClusters();
		expect(await open()).toEqual([]);
	});

	it('is not told any more once somebody said that it stays, unless it is another one', async () => {
		const { id } = await stranger();
		await leaveAlone(id, 'es del contador', by);
		await reconcileClusters();
		expect(await open()).toEqual([]);
		tamper(pve, pve.state.containers[650]!, { hostname: 'otro' });
		await reconcileClusters();
		expect(await only()).toMatchObject({ theirs: { vmid: 650, hostname: 'otro' } });
	});

	it('is adopted: then only what matters of it is told, and its limits are followed', async () => {
		const { id } = await stranger();
		await adoptStranger(id, 'odoo', by);
		expect(await open()).toEqual([]);
		tamper(pve, pve.state.containers[650]!, { cores: 3, memory_mib: 1024, disk_gib: 9 });
		await reconcileClusters();
		expect(await open()).toEqual([]);
		expect(
			await db.container.findFirst({ where: { vmid: 650, status: { not: 'deleted' } } })
		).toMatchObject({ adopted: true, cpuCores: 3, ramMb: 1024, diskGb: 9 });
		pve.markStopped(pve.state.containers[650]!);
		await reconcileClusters();
		expect(await only()).toMatchObject({ kind: 'infrastructure.stopped' });
		vanish(pve, '650');
		await reconcileClusters();
		expect(await only()).toMatchObject({ kind: 'infrastructure.missing' });
	});

	it('that took the place of an adopted one is seen by its disk', async () => {
		addStranger(pve, { vmid: 651, hostname: 'viejo' });
		const seen = await readGuest(row.clusterId, 651);
		await transaction((tx) => adoptGuest(tx, seen, 'postgres', { by }));
		pve.state.containers[651]!.config.rootfs = 'ceph:vm-651-disk-7,size=4G';
		await reconcileClusters();
		expect(await only()).toMatchObject({
			...{ kind: 'infrastructure.mark', cause: 'other-container' }
		});
	});
});
