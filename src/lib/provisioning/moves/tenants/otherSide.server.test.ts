import { expect, it, vi } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { nodeFigures } from '#lib/infrastructure/nodes/figures.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { testPlatform } from '../../../../../tests/setup/platform.ts';
import { ownPlan } from '../../../../../tests/setup/planMoves.ts';
import { secondCluster } from '../../../../../tests/setup/secondCluster.ts';
import {
	confirmed,
	databasesOf,
	ended,
	insideOf,
	liveTenant,
	move,
	nodeBeside,
	vmidOf,
	work
} from '../../../../../tests/setup/tenantMoves.ts';
import { clusterOf } from '../../../../sandbox/proxmox/cluster.ts';
import { moveTrouble } from '../moveViewWords.ts';
import { retryTenantMove } from './tenantMoves.server.ts';

vi.setConfig({ testTimeout: 180_000 });
const platform = await testPlatform();
const { guests } = clusterOf(platform.sandbox.kernel);
const fresh = (id: string) =>
	db.tenant.findUniqueOrThrow({ where: { id }, include: { container: true } });

it('is turned back before anybody notices where modules are missing or Odoo cannot be kept out', async () => {
	const tenant = await liveTenant('pro', 'modulos');
	const vmid = await vmidOf(tenant);
	const source = guests.get(vmid)!;
	// Somebody put modules of his own beside Odoo's, and uses two of them.
	source.addons = ['acme_cacao', 'acme_rutas', 'acme_sin_uso'];
	const { modules } = insideOf(platform, vmid, 'modulos')!;
	Object.assign(modules, { acme_cacao: 'installed', acme_rutas: 'installed' });
	const { id: nodeId } = await nodeBeside(tenant);
	const turned = async () => {
		const row = await ended((await move(tenant, { toIsolation: 'dedicated', nodeId })).id);
		expect(row).toMatchObject({ status: 'rolled_back', offAirAt: null });
		expect(await fresh(tenant.id)).toMatchObject({ status: 'active' });
		expect(databasesOf(platform, 'modulos')).toMatchObject([{ vmid, reach: 'open' }]);
		return row.error!;
	};
	const missing = await turned();
	expect(missing).toBe('ADDONS_MISSING: acme_cacao, acme_rutas');
	expect(moveTrouble(missing)).toEqual({
		...{ sentence: expect.stringContaining('acme_cacao, acme_rutas'), technical: null }
	});

	source.superuser = true;
	const error = await turned();
	expect(error).toMatch(new RegExp(`^ODOO_IS_SUPERUSER: pve\\d / CT ${vmid}$`));
	expect(moveTrouble(error).sentence).toContain(`CT ${vmid}`);
	delete source.superuser;

	// Once the destination has them, which every copy of the template does from then on, it goes.
	const template = await db.container.findFirstOrThrow({ where: { purpose: 'template' } });
	guests.get(template.vmid)!.addons = ['acme_cacao', 'acme_rutas'];
	const there = await ended((await move(tenant, { toIsolation: 'dedicated', nodeId })).id);
	expect(there).toMatchObject({ status: 'confirming', error: null });
	await confirmed(there.id);
});

it('goes to the node that was chosen, though it waits for room there, and when it is tried again', async () => {
	const tenant = await liveTenant('basic', 'elegida');
	const { id: nodeId, clusterId } = await nodeBeside(tenant);
	// Nothing but what was made ahead for others holds the last room there.
	const plan = await ownPlan({ cpuCores: 1, ramMb: 1024, diskGb: 10 });
	await db.container.create({
		data: {
			...{ clusterId, nodeId, vmid: 950, hostname: 'listo', purpose: 'odoo', status: 'stopped' },
			...{ cpuCores: 1, ramMb: 1024, diskGb: 10, wantedRunning: false, warmPlanId: plan.id }
		}
	});
	const [figures] = await nodeFigures(db, [nodeId]);
	const few = { maxContainers: figures!.containers + figures!.expected };
	await db.node.update({ where: { id: nodeId }, data: few });
	for (const body of ['Avail\n9000000000\n', 'Avail\n1000\n'])
		platform.fault({ target: 'ssh', match: 'df -B1', kind: 'malformed', body, times: 1 });
	const asked = await move(tenant, { toIsolation: 'dedicated', nodeId });
	expect(asked).toMatchObject({ toContainerId: null, askedNodeId: nodeId });
	const nodeOf = async (id: string | null) =>
		(await db.container.findUniqueOrThrow({ where: { id: id! } })).nodeId;
	const first = await ended(asked.id);
	expect(first).toMatchObject({ status: 'rolled_back' });
	expect(await nodeOf(first.toContainerId)).toBe(nodeId);
	const again = await transaction((tx) => retryTenantMove(tx, asked.id, SYSTEM));
	const second = await ended(again.id);
	expect(second).toMatchObject({ status: 'confirming', error: null });
	expect(await nodeOf(second.toContainerId)).toBe(nodeId);
	await confirmed(second.id);
});

it('goes to a cluster of its own names and numbers, and back', async () => {
	const tenant = await liveTenant('basic', 'lejos');
	const home = (await fresh(tenant.id)).container!;
	const { clusterId, cluster } = await secondCluster(platform);
	work(platform, home.vmid, 'lejos', 'antes');
	const asked = await move(tenant, { toIsolation: 'dedicated', clusterId });
	const row = await ended(asked.id);
	expect(row).toMatchObject({ status: 'confirming', error: null });
	const there = (await fresh(tenant.id)).container!;
	expect(there).toMatchObject({ clusterId, ipAddress: expect.stringMatching(/^10\.30\.20\./) });
	const inside = cluster.guests.get(there.vmid)!.databases.lejos!;
	expect(inside.users.map(({ login }) => login)).toContain('antes');
	expect(inside.filestore['ab/antes']).toBeDefined();
	expect((await platform.open('lejos.sajet.us', '/web/login')).body).toContain('value="lejos"');
	expect(databasesOf(platform, 'lejos')).toMatchObject([{ vmid: home.vmid, reach: 'shut' }]);
	await confirmed(row.id);
	expect(databasesOf(platform, 'lejos')).toEqual([]);

	const back = await move(tenant, { toIsolation: 'shared', clusterId: home.clusterId });
	expect(await ended(back.id)).toMatchObject({ status: 'confirming', error: null });
	expect((await fresh(tenant.id)).container).toMatchObject({ clusterId: home.clusterId });
	expect((await platform.open('lejos.sajet.us', '/web/login')).body).toContain('value="lejos"');
	await confirmed(back.id);
	expect(cluster.state.containers[there.vmid]).toBeUndefined();
});
