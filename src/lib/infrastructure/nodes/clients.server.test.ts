import { beforeEach, describe, expect, it } from 'vitest';
import { encrypt } from '#lib/core/crypto.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { placeTenant, testContainers } from '../../../../tests/setup/containers.ts';
import { secondCluster } from '../../../../tests/setup/secondCluster.ts';
import { createUnplacedTenant, PRO } from '../../../../tests/factories/infrastructure.ts';
import { sweepOrphans } from '../containers/sweep.server.ts';
import { watchHa } from '../ha/watch.server.ts';
import { collectMetrics } from '../metrics/metrics.server.ts';
import { rejectionSentence } from '../placement/rejections.ts';
import {
	explainCapacity,
	placementRules,
	reserveContainer
} from '../placement/placement.server.ts';
import { candidates } from '../placement/world.server.ts';
import { clusterRooms } from '../placement/rooms.server.ts';
import {
	askCluster,
	isWithoutQuorum,
	patience,
	proxmoxOn,
	readTakenVmids
} from './clients.server.ts';
import { tokenContext } from './enrol.server.ts';
import { tokenAccount } from './nodePage.server.ts';
import { checkNodes } from './nodes.server.ts';
import { rotateToken } from './rotateToken.server.ts';

const { sandbox, pve } = await testContainers({ work: false });
const { clusterId: quito } = await secondCluster({ sandbox });
const rows = await db.node.findMany({ include: { credential: true }, orderBy: { name: 'asc' } });
const of = (cluster: string) => rows.filter(({ clusterId }) => clusterId === cluster);
const jeturing = rows.find(({ clusterId }) => clusterId !== quito)!.clusterId;
const PVE1 = of(jeturing)[0]!;
const ofFirst = (_line: string, context: string) => context.includes(new URL(PVE1.apiUrl).host);
const token = (nodeId: string, apiToken: string) =>
	db.nodeCredential.update({ where: { nodeId }, data: { apiToken } });
const OTHER = 'AA:'.repeat(31) + 'AA';
const seen = (match: string) => sandbox.kernel.calls.list({ vendor: 'proxmox', match }).length;

beforeEach(async () => {
	patience.requestMs = 400;
	sandbox.kernel.faults.clear();
	sandbox.kernel.calls.clear();
	for (const { name } of pve.state.nodes) pve.setOnline(name, true);
	const well = { misses: 0, haltedAt: null, haltedBy: null, status: 'online' as const };
	for (const { id, apiFingerprint, credential } of rows) {
		await db.node.update({ where: { id }, data: { apiFingerprint, ...well } });
		await token(id, credential!.apiToken);
	}
	await db.alert.deleteMany();
});

describe('a cluster is asked through another member', () => {
	const ask = () =>
		askCluster(jeturing, {}, async (client) => (await client.resources('node')).length);

	it.each<[string, () => unknown]>([
		[
			'shows another certificate',
			() => db.node.update({ where: { id: PVE1.id }, data: { apiFingerprint: OTHER } })
		],
		['refuses its token', () => rotten(PVE1.id)],
		['has a token that cannot be read', () => token(PVE1.id, 'v1.gone.a.b.c')],
		[
			'takes the call and never answers',
			() =>
				sandbox.kernel.faults.add({ target: 'proxmox', kind: 'timeout', times: 9, only: ofFirst })
		],
		['is down', () => pve.setOnline('pve1', false)]
	])('when the first one %s', async (_what, arrange) => {
		await arrange();
		expect(await ask()).toBe(3);
	});

	it('but a change whose answer was lost is sent once', async () => {
		const match = '^PUT .*/lxc/9018/config$';
		sandbox.kernel.faults.add({ target: 'proxmox', match, kind: 'reset', when: 'after' });
		const change = askCluster(jeturing, {}, (client) =>
			client.setConfig('pve1', 9018, { onboot: 0 })
		);
		await expect(change).rejects.toMatchObject({ kind: 'lost', ambiguous: true });
		expect(seen(match)).toBe(1);
	});
});

/** A token that Proxmox does not know. */
async function rotten(nodeId: string) {
	await token(nodeId, encrypt('erpcore@pve!control=0000', tokenContext(nodeId)));
}

it('one cluster that refuses us takes nothing new, and keeps nobody from another', async () => {
	for (const { id } of of(jeturing)) await rotten(id);
	const taken = await readTakenVmids({});
	expect(taken.get(jeturing)).toBeNull();
	expect(taken.get(quito)?.has(9018)).toBe(true);
	const rules = await placementRules();
	const tenant = await createUnplacedTenant(db, { isolation: 'dedicated' });
	const wanted = { ...PRO, isolation: 'dedicated' as const };
	const place = await transaction((tx) =>
		reserveContainer(tx, {
			...{ ...wanted, tenantId: tenant.id, jobId: tenant.id, hostname: tenant.slug, rules, taken }
		})
	);
	expect(place).toMatchObject({ clusterId: quito });
	await db.container.deleteMany({ where: { createdByJobId: tenant.id } });
	const silent = (await candidates(db, await clusterRooms(db, taken))).filter(
		({ clusterId }) => clusterId === jeturing
	);
	expect(silent.map(({ status }) => status)).toEqual(['silent', 'silent', 'silent']);
	expect(rejectionSentence({ code: 'silent' }, 'es')).toContain('no dice qué contenedores tiene');
	// Nobody was asked here, so that nothing is said of it.
	expect((await explainCapacity(db, wanted, rules)).fits).toBe(true);
});

it('what is wrong with one node or cluster ends no round of the others', async () => {
	const { place } = await placeTenant('dedicated_ha');
	await db.container.update({ where: { id: place.containerId }, data: { status: 'running' } });
	expect(place.clusterId).toBe(jeturing);
	for (const { id } of of(jeturing)) await token(id, 'v1.gone.a.b.c');
	await checkNodes();
	const after = await db.node.findMany({ orderBy: { name: 'asc' } });
	const state = (clusterId: string) =>
		after.filter((one) => one.clusterId === clusterId).map(({ misses }) => misses);
	expect(state(jeturing)).toEqual([1, 1, 1]);
	expect(state(quito)).toEqual([0, 0, 0]);
	expect(JSON.stringify(after.find(({ id }) => id === PVE1.id)!.health)).toContain('no_token');
	// Each of them says at the end that one cluster could not be asked.
	const refused = { kind: 'unauthorized' };
	await db.resourceMetric.deleteMany();
	await expect(collectMetrics()).rejects.toMatchObject(refused);
	const quitos = { in: of(quito).map(({ id }) => id) };
	expect(await db.resourceMetric.count({ where: { nodeId: quitos } })).toBe(3);
	await expect(sweepOrphans(new AbortController().signal)).rejects.toMatchObject(refused);
	await expect(watchHa()).rejects.toMatchObject(refused);
	// Staff see whose token it was no more, and give the node another one.
	expect(await tokenAccount(db, PVE1.id)).toBeNull();
	expect(
		await rotateToken(PVE1.id, sandbox.vendors.proxmox[0]!.token, {
			kind: 'system',
			id: null,
			label: 'test'
		})
	).toBeNull();
	expect(await tokenAccount(db, PVE1.id)).toBe('erpcore@pve!control');
});

describe('a cluster without a majority', () => {
	it('changes nothing, and says so as what may pass', async () => {
		for (const name of ['pve2', 'pve3']) pve.setOnline(name, false);
		const client = await proxmoxOn(PVE1.id, {});
		const changes = [
			() => client.setConfig('pve1', 9018, { onboot: 0 }),
			() => client.clone('pve1', 9018, { newid: 990, full: true }),
			() => client.start('pve1', 9018),
			() => client.createHaResource(9018, { state: 'started', failback: false, comment: '' })
		];
		for (const change of changes) {
			const error: unknown = await change().then(
				() => null,
				(thrown: unknown) => thrown
			);
			expect(isWithoutQuorum(error)).toBe(true);
			expect(error).toMatchObject({
				...{ retryable: true, ambiguous: false, refusal: { code: 'NO_QUORUM' } }
			});
		}
		expect(await client.resources('vm')).not.toEqual([]);
		await checkNodes();
		const [candidate] = (await candidates(db, new Map())).filter(
			({ nodeId }) => nodeId === PVE1.id
		);
		expect(candidate!.status).toBe('unwell');
	});
});
