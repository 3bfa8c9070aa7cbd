import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { proxmox } from '#lib/integrations/proxmox/proxmox.server.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import { clusterOf } from '../../../sandbox/proxmox/cluster.ts';
import { startSandbox } from '../../../sandbox/sandbox.ts';
import { createUnplacedTenant, PRO } from '../../../../tests/factories/infrastructure.ts';
import { keepStorages, surveyWorld } from '../../../../tests/factories/world.ts';
import { BY } from '../../../../tests/setup/containerActs.ts';
import { runOf, testContainers } from '../../../../tests/setup/containers.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { askForAct } from '../containers/acts.server.ts';
import { ensureContainer } from '../containers/containers.server.ts';
import { listContainers } from '../containers/containerList.server.ts';
import { reconcileClusters } from '../drift/reconcile.server.ts';
import { ensureHa } from '../ha/ha.server.ts';
import { watchHa } from '../ha/watch.server.ts';
import { haOf } from '../../../sandbox/proxmox/ha.ts';
import { collectMetrics } from '../metrics/metrics.server.ts';
import { judgeTargets } from '../moving/reservation.server.ts';
import { placementRules, reserveContainer } from '../placement/placement.server.ts';
import { keepPools } from '../pools/keepPools.server.ts';
import { setPoolTarget } from '../pools/pools.server.ts';
import { discover } from './discovery.server.ts';
import { enrolCluster } from './enrol.server.ts';
import { checkNodes } from './nodes.server.ts';

const south = await testContainers({ work: true });
const other = await startSandbox({ dataDir: null, speed: 0, basePort: 0 });
afterAll(() => other.close());
/** Another cluster of the same name, whose nodes have the same names, at other addresses. */
const north = clusterOf(other.kernel);
for (const node of north.state.nodes) node.ip = node.ip.replace('10.10.', '10.30.');
const ids = { south: '', north: '' };

beforeAll(async () => {
	const { storages, ...survey } = await surveyWorld(other.vendors);
	ids.north = await transaction(async (tx) => {
		const { clusterId } = await enrolCluster(tx, {
			...{ name: 'norte', region: 'default', odooVersion: '18.0', templatePrefix: 'tpl_18' },
			...{ rootfsStorage: 'ceph', backupStorage: 'nfs-backup', ...survey },
			pool: { name: 'tenants', bridge: 'vmbr0', network: '10.10.30.0/24', gateway: '10.10.30.1' }
		});
		await keepStorages(tx, clusterId, storages);
		return clusterId;
	});
	ids.south = (await db.cluster.findUniqueOrThrow({ where: { name: 'jeturing' } })).id;
});

const worlds = { south: south.pve, north };
type Where = keyof typeof worlds;
const BOTH: Where[] = ['south', 'north'];

/** A customer's container in one of the two, made real. */
async function placed(where: Where, isolation: 'dedicated' | 'dedicated_ha' = 'dedicated') {
	const tenant = await createUnplacedTenant(db, { isolation });
	const { id: jobId } = await db.provisioningJob.create({
		data: { saga: 'tests.container', subjectId: tenant.id, status: 'running', state: {} }
	});
	const rules = await placementRules();
	const place = await transaction(async (tx) => {
		const found = await reserveContainer(tx, {
			...{ ...PRO, isolation, clusterId: ids[where], tenantId: tenant.id, jobId, rules },
			...{ hostname: tenant.slug, taken: new Map() }
		});
		if ('noRoom' in found) throw new Error(JSON.stringify(found.noRoom));
		const { containerId } = found;
		await tx.tenant.update({ where: { id: tenant.id }, data: { containerId, status: 'active' } });
		return found;
	});
	const run = await runOf(jobId);
	await eventually(async () => (await ensureContainer(run, place.containerId)).ready, 30);
	if (isolation === 'dedicated_ha')
		await eventually(async () => (await ensureHa(run, place.containerId)).ready, 30);
	await db.provisioningJob.update({ where: { id: jobId }, data: { status: 'succeeded' } });
	return { ...place, slug: tenant.slug };
}

const rowOf = (containerId: string) =>
	db.container.findUniqueOrThrow({
		where: { id: containerId },
		include: { node: true, haNode: true }
	});
const made = new Map<Where, Awaited<ReturnType<typeof placed>>>();
const its = (where: Where) => made.get(where)!;
const guest = (where: Where) => worlds[where].state.containers[its(where).vmid]!;

describe('two clusters whose nodes have the same names', () => {
	it('are told apart when a node is enrolled', async () => {
		const looks = [south.sandbox, other].map(({ vendors }) => {
			const { url, token, fingerprint } = vendors.proxmox[1]!;
			return discover(proxmox({ baseUrl: url, token, fingerprint }, unrecorded));
		});
		const [here, there] = await Promise.all(looks);
		expect([here!.node, there!.node]).toEqual(['pve2', 'pve2']);
		expect([here!.clusterId, there!.clusterId]).toEqual([ids.south, ids.north]);
		// Of a third one that looks just the same nobody knows.
		for (const node of north.state.nodes) node.ip = node.ip.replace('10.30.', '10.40.');
		const { url, token, fingerprint } = other.vendors.proxmox[0]!;
		await db.node.updateMany({
			where: { clusterId: ids.north },
			data: { apiUrl: 'https://127.0.0.1:9' }
		});
		const third = await discover(proxmox({ baseUrl: url, token, fingerprint }, unrecorded));
		expect(third.clusterId).toBeNull();
		for (const { node: name, url: apiUrl } of other.vendors.proxmox)
			await db.node.updateMany({ where: { clusterId: ids.north, name }, data: { apiUrl } });
	});

	it('each make the container that is placed there, under the same VMID', async () => {
		for (const where of BOTH) made.set(where, await placed(where));
		expect(its('north').vmid).toBe(its('south').vmid);
		for (const where of BOTH) {
			expect(guest(where)).toMatchObject({
				...{ status: 'running', config: { hostname: its(where).slug } },
				node: (await rowOf(its(where).containerId)).node.name
			});
			expect(its(where).ip.startsWith(where === 'south' ? '10.10.20.' : '10.10.30.')).toBe(true);
		}
		const on = async (node: string) => {
			const query = { q: '', sort: { key: 'vmid', direction: 'asc' as const } };
			const page = { page: 1, pageSize: 20, cursor: null };
			const found = await listContainers(db, {
				...{ ...query, ...page, filters: { node, purpose: 'odoo' } }
			});
			return found.rows.map(({ hostname }) => hostname);
		};
		const { node } = await rowOf(its('north').containerId);
		expect(await on(`norte/${node.name}`)).toEqual([its('north').slug]);
		expect(await on(`jeturing/${node.name}`)).not.toContain(its('north').slug);
	});

	it('are moved within alone', async () => {
		const targets = await judgeTargets(db, await rowOf(its('north').containerId));
		expect(targets).toHaveLength(2);
		for (const { verdict } of targets)
			expect(verdict).toMatchObject({ fits: true, candidate: { clusterId: ids.north } });
	});

	it('are acted on, followed and measured each by itself', async () => {
		const { id } = await transaction((tx) =>
			askForAct(
				tx,
				its('north').containerId,
				{ act: 'stop', timeout_seconds: 30, force: false },
				BY
			)
		);
		await eventually(async () => {
			const { status } = await db.containerAct.findUniqueOrThrow({ where: { id } });
			return status === 'succeeded';
		});
		expect(BOTH.map((where) => guest(where).status)).toEqual(['running', 'stopped']);
		// Somebody moves and starts the one, and stops the other, past us.
		const before = await rowOf(its('south').containerId);
		const elsewhere = north.state.nodes.find(({ name }) => name !== guest('north').node)!.name;
		guest('north').node = elsewhere;
		north.markRunning(guest('north'), 0);
		south.pve.markStopped(guest('south'));
		await collectMetrics();
		expect(await rowOf(its('north').containerId)).toMatchObject({
			...{ status: 'running', node: { name: elsewhere, clusterId: ids.north } }
		});
		expect(await rowOf(its('south').containerId)).toMatchObject({
			...{ status: 'stopped', nodeId: before.nodeId }
		});
		south.pve.markRunning(guest('south'), 0);
		await db.container.updateMany({ data: { wantedRunning: true } });
		await collectMetrics();
		const samples = await db.resourceMetric.groupBy({
			by: ['containerId'],
			where: { containerId: { in: BOTH.map((where) => its(where).containerId) } },
			_count: true
		});
		expect(samples).toHaveLength(2);
		const nodes = await db.resourceMetric.groupBy({
			by: ['nodeId'],
			where: { nodeId: { not: null } }
		});
		expect(nodes).toHaveLength(6);
	});

	it('are compared with the books each by itself', async () => {
		await db.drift.deleteMany();
		const gone = guest('north');
		delete north.state.containers[gone.vmid];
		guest('south').config.cores = 7;
		await reconcileClusters();
		const drifts = await db.drift.findMany({ where: { closedAt: null }, orderBy: { kind: 'asc' } });
		expect(drifts.map(({ kind, subjectId }) => [kind, subjectId])).toEqual([
			['infrastructure.limits', its('south').containerId],
			['infrastructure.missing', its('north').containerId]
		]);
		north.state.containers[gone.vmid] = gone;
		guest('south').config.cores = PRO.cpuCores;
		await collectMetrics();
		// Of one whose nodes were all removed nobody says anything any more.
		const { id: emptied } = await db.cluster.create({
			data: {
				...{ name: 'viejo', odooVersion: '18.0', templatePrefix: 'tpl_18' },
				...{ rootfsStorage: 'ceph', backupStorage: 'nfs-backup' }
			}
		});
		const stranger = { subjectType: 'guest', subjectId: `${emptied}/700` };
		await db.drift.create({
			data: { kind: 'infrastructure.stranger', ...stranger, lastSeenAt: new Date(0) }
		});
		expect(await reconcileClusters()).toMatchObject({ error: null, compared: { clusters: 2 } });
		expect(await db.drift.count({ where: { closedAt: null } })).toBe(0);
		await db.cluster.delete({ where: { id: emptied } });
	});

	it('keep what is made ahead for their own nodes', async () => {
		const pve1 = await db.node.findUniqueOrThrow({
			where: { clusterId_name: { clusterId: ids.north, name: 'pve1' } }
		});
		const set = (target: number) =>
			transaction((tx) => setPoolTarget(tx, { nodeId: pve1.id, plan: 'pro', target }, BY));
		const warm = () =>
			db.container.findMany({ where: { warmPlanId: { not: null }, status: { not: 'deleted' } } });
		await set(1);
		const [ahead] = await eventually(async () => {
			await keepPools();
			const rows = await warm();
			return rows[0]?.status === 'running' && rows;
		}, 30);
		expect(ahead).toMatchObject({ nodeId: pve1.id, clusterId: ids.north });
		expect(north.state.containers[ahead!.vmid]).toMatchObject({ node: 'pve1' });
		await set(0);
		await eventually(async () => {
			await keepPools();
			return (await warm()).length === 0;
		}, 30);
		expect(north.state.containers[ahead!.vmid]).toBeUndefined();
	});

	it('have second nodes of their own, and managers that know nothing of the other', async () => {
		const pair = await placed('north', 'dedicated_ha');
		const row = await rowOf(pair.containerId);
		expect(row).toMatchObject({
			node: { clusterId: ids.north },
			haNode: { clusterId: ids.north }
		});
		expect(haOf(north).resourceOf(row.vmid)).toMatchObject({ state: 'started' });
		expect(haOf(south.pve).state).toMatchObject({ resources: [], rules: [], jobs: [] });
		// The other cluster's node of the same name dies: nobody takes over from anybody here.
		south.pve.setOnline(row.node.name, false);
		await checkNodes();
		await collectMetrics();
		await watchHa();
		expect(await db.failover.count()).toBe(0);
		expect(await rowOf(pair.containerId)).toMatchObject({
			...{ nodeId: row.nodeId, haNodeId: row.haNodeId, node: { offlineSince: null } }
		});
	});
});
