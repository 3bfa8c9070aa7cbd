import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { fieldsOf, refusal, testEnrolment } from '../../../../tests/setup/enrolment.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { addStranger, vanish } from '../../../sandbox/proxmox/tamper.ts';
import { adoptGuest, ignoreGuest, readGuest } from '../containers/adoption.server.ts';
import { databasesSchema } from '../containers/databases.ts';
import type { Decision } from './enrolmentForms.ts';
import { confirmFingerprints, findEnrolment } from './enrolments.server.ts';
import { enrolmentView } from './enrolmentView.server.ts';
import { removeNode } from './removeNode.server.ts';
import { sameHost } from './sameHost.server.ts';

const enrolment = await testEnrolment();
const { pve, api, by, begin, confirmed, findings, finish, jeturing, overSsh } = enrolment;

it('takes the node into its cluster with what was decided, once, and never touches what is there', async () => {
	const id = await confirmed();
	await overSsh(id);
	const before = structuredClone(pve.state.containers['700']);
	expect(await fieldsOf(finish(id, { cluster: 'new', ...newCluster() }))).toHaveProperty('cluster');
	const decisions: [number, Decision][] = [
		[700, 'odoo'],
		[701, 'ignore']
	];
	const both = await Promise.allSettled([
		finish(id, { max_containers: '7' }, decisions),
		finish(id, { max_containers: '7' }, decisions)
	]);
	const ok = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value.nodeId] : []));
	expect(ok.length).toBeGreaterThan(0);
	expect((await finish(id)).nodeId).toBe(ok[0]);
	const node = await db.node.findUniqueOrThrow({
		where: { id: ok[0] },
		include: { credential: true, containers: { include: { address: true } } }
	});
	expect(node).toMatchObject({
		...{ name: 'pve4', hostname: '127.0.0.1', maxContainers: 7, proxmoxVersion: '9.1.6' },
		// A fourth of what is shared by four.
		...{ cpuTotal: 16, ramTotalMb: 65_536, diskTotalGb: 750, status: 'online' }
	});
	expect(node.credential?.apiToken).not.toContain(api.token.split('=')[1]);
	expect(await findEnrolment(db, id)).toMatchObject({ apiToken: '', nodeId: node.id });
	expect(node.containers).toMatchObject([
		{
			...{ vmid: 700, purpose: 'odoo', adopted: true, status: 'running', diskGb: 40 },
			...{ rootVolume: 'local-lvm:vm-700-disk-0', address: { address: '10.10.20.240' } }
		}
	]);
	expect(await db.ignoredGuest.findMany()).toMatchObject([{ vmid: 701, hostname: 'correo' }]);
	expect(pve.state.containers['700']).toEqual(before);
	const acts = await db.auditEntry.findMany({
		where: { action: { startsWith: 'infrastructure.' } },
		select: { action: true }
	});
	expect(new Set(acts.map(({ action }) => action))).toEqual(
		new Set([
			...['infrastructure.begin-enrolment', 'infrastructure.confirm-fingerprints'],
			...['infrastructure.enrol-node', 'infrastructure.adopt', 'infrastructure.ignore-guest']
		])
	);
	expect((await fieldsOf(begin()))?.api_url).toContain('pve4');
});

describe('an adopted container', () => {
	const adopted = () => db.container.findFirstOrThrow({ where: { vmid: 700 } });

	it('is looked into by a worker, which lists its databases', async () => {
		const found = await eventually(async () => {
			const { databases } = await adopted();
			return databases === null ? null : databasesSchema.parse(databases);
		});
		expect(found).toMatchObject({
			version: 18,
			problem: null,
			databases: [
				{ name: 'cafetal', state: 'ready', users: 1, diskMb: expect.any(Number) },
				{ name: 'cafetal_pruebas', state: 'ready' }
			]
		});
		expect(await adopted()).toMatchObject({ odooVersion: '18.0' });
	});

	it('is not adopted twice, nor is what cannot be known again', async () => {
		const guest = await readGuest((await jeturing()).id, 700);
		const again = (other: object) =>
			refusal(transaction((tx) => adoptGuest(tx, { ...guest, ...other }, 'odoo', { by })));
		expect(await again({})).toMatchObject({ code: 'CHANGED_MEANWHILE' });
		expect((await again({ vmid: 705, rootVolume: null })).fields).toHaveProperty('guest_705');
		const markedAs = (await adopted()).id;
		expect((await again({ vmid: 706, markedAs })).fields).toHaveProperty('guest_706');
		expect(await refusal(readGuest((await jeturing()).id, 799))).toMatchObject({
			code: 'NOT_FOUND'
		});
	});

	it('may be one that was ignored, and the other way round', async () => {
		const clusterId = (await jeturing()).id;
		const guest = await readGuest(clusterId, 701);
		const { id } = await transaction((tx) => adoptGuest(tx, guest, 'postgres', { by }));
		expect(await db.ignoredGuest.count()).toBe(0);
		await db.container.delete({ where: { id } });
		const said = { clusterId, vmid: 701, hostname: 'correo' };
		for (const note of ['', 'de otro equipo'])
			await transaction((tx) => ignoreGuest(tx, { ...said, note }, { by }));
		expect(await db.ignoredGuest.findMany()).toMatchObject([{ note: 'de otro equipo' }]);
	});
});

it('reads what is chosen of more containers than a look shows', async () => {
	await db.container.deleteMany({ where: { adopted: true } });
	const { nodeId } = await db.nodeEnrolment.findFirstOrThrow({ where: { nodeId: { not: null } } });
	await transaction((tx) => removeNode(tx, nodeId!, by));
	for (let vmid = 2_000; vmid <= 2_200; vmid++) addStranger(pve, { vmid, node: 'pve4' });
	const id = await confirmed();
	await overSsh(id);
	const shown = (await findings(id)).guests!.find(({ vmid }) => vmid === 2_200);
	expect(shown).toMatchObject({ name: 'ajeno-2200', rootVolume: null });
	await finish(id, {}, [[2_200, 'postgres']]);
	expect(await db.container.findFirst({ where: { vmid: 2_200 } })).toMatchObject({
		...{ adopted: true, rootVolume: 'ceph:vm-2200-disk-0' }
	});
	for (let vmid = 2_000; vmid <= 2_200; vmid++) vanish(pve, String(vmid));
});

function newCluster() {
	return {
		...{ name: 'norte', odoo_version: '18.0', template_vmid: '', template_prefix: 'tpl_18' },
		...{ rootfs_storage: 'local-lvm', backup_storage: 'nfs-backup', bridge: 'vmbr0' },
		...{ network: '10.77.0.0/24', gateway: '10.77.0.1', vlan: '' }
	};
}

it('makes a cluster of its own where nobody here knows the node, once its template and storages are there', async () => {
	// Another installation of ours, so to speak: the rows of this one are renamed out of the way.
	await db.node.updateMany({ data: { name: 'renamed' }, where: { name: 'pve1' } });
	const four = await db.node.findFirstOrThrow({ where: { name: 'pve4' } });
	const { sshHostKey, apiFingerprint } = four;
	const turned = (data: object) => db.node.update({ where: { id: four.id }, data });
	const away = { name: 'renamed-4', apiUrl: 'https://127.0.0.1:9', apiFingerprint: 'AA' };
	await turned({ ...away, sshHostKey: 'SHA256:another' });
	await db.node.updateMany({ data: { name: 'renamed-2' }, where: { name: 'pve2' } });
	await db.node.updateMany({ data: { name: 'renamed-3' }, where: { name: 'pve3' } });
	const id = await confirmed();
	const late = await begin();
	await overSsh(id);
	expect((await findings(id)).clusterId).toBeNull();
	const cluster = 'new';
	expect(await fieldsOf(finish(id))).toHaveProperty('cluster');
	expect(
		await fieldsOf(
			finish(id, {
				...{ cluster, ...newCluster(), rootfs_storage: 'nfs-backup', backup_storage: 'ceph' },
				...{ bridge: 'vmbr9', template_vmid: '9018' }
			})
		)
	).toEqual({
		rootfs_storage: expect.any(String),
		backup_storage: expect.any(String),
		bridge: expect.any(String),
		// It lies on another node.
		template_vmid: expect.any(String)
	});
	expect(await fieldsOf(finish(id, { cluster, ...newCluster(), name: 'jeturing' }))).toEqual({
		name: expect.any(String)
	});
	// A tunnel could not tell their containers apart.
	expect(
		await fieldsOf(
			finish(id, { cluster, ...newCluster(), network: '10.10.0.0/16', gateway: '10.10.0.1' })
		)
	).toEqual({ network: expect.stringContaining('10.10.20.0/24') });
	pve.state.containers[9400] = {
		...structuredClone(pve.state.containers[9018]!),
		...{ vmid: 9400, node: 'pve4' }
	};
	const chosen = { cluster, ...newCluster(), vlan: '30', template_vmid: '9400' };
	// The same machine is in service under another address, or is so by now: its room is sold there.
	await turned({ sshHostKey });
	const named = expect.stringContaining('renamed-4');
	expect(await fieldsOf(begin())).toEqual({ ssh_host: named });
	const shown = { apiFingerprint, sshHostKey };
	expect(await fieldsOf(confirmFingerprints(late.id, shown, by))).toEqual({ compared: named });
	expect(await fieldsOf(finish(id, chosen))).toEqual({ cluster: named });
	await turned({ sshHostKey: 'SHA256:another', apiFingerprint });
	const twin = (name: string) => sameHost(db, { ...shown, name });
	expect([await twin('renamed-4'), await twin('pve4')]).toEqual([named, null]);
	const { nodeId } = await finish(id, chosen);
	expect(
		await db.node.findUniqueOrThrow({
			where: { id: nodeId },
			include: { cluster: { include: { pools: true } } }
		})
	).toMatchObject({
		name: 'pve4',
		diskTotalGb: 1000,
		cluster: { name: 'norte', templateVmid: 9400, pools: [{ vlan: 30, bridge: 'vmbr0' }] }
	});

	const { id: clusterId } = await db.cluster.findUniqueOrThrow({ where: { name: 'norte' } });
	await anotherTemplate(clusterId);

	// All of its nodes are gone: nobody can say that this one was its own, but for what it shows.
	await transaction((tx) => removeNode(tx, nodeId, by));
	expect(await templatesOf(clusterId)).toEqual([
		[9400, 'ready', 'deleted'],
		[9401, 'ready', 'deleted']
	]);
	const again = await confirmed();
	await overSsh(again);
	const view = await enrolmentView(db, again);
	expect(view.findings?.dormant).toMatchObject([{ id: clusterId, name: 'norte', isProven: true }]);
	expect(await fieldsOf(finish(again, { cluster: (await jeturing()).id }))).toHaveProperty(
		'cluster'
	);
	expect(await finish(again, { cluster: clusterId })).toEqual({ nodeId });
	const templateVmid = () =>
		db.cluster.findUniqueOrThrow({ where: { id: clusterId } }).then((row) => row.templateVmid);
	expect(await db.node.findUniqueOrThrow({ where: { id: nodeId } })).toMatchObject({
		...{ clusterId, removedAt: null }
	});
	// The template that still lies there is copied from again; of the other one nobody knows anything.
	expect(await templatesOf(clusterId)).toEqual([
		[9400, 'ready', 'stopped'],
		[9401, 'deleted', 'deleted']
	]);
	expect(await templateVmid()).toBe(9400);
	const [found] = await db.container.findMany({ where: { clusterId, vmid: 9400 } });
	expect(found).toMatchObject({ nodeId, purpose: 'template', deletedAt: null });

	await transaction((tx) => removeNode(tx, nodeId, by));
	delete pve.state.containers[9400];
	const last = await confirmed();
	await overSsh(last);
	expect(await finish(last, { cluster: clusterId })).toEqual({ nodeId });
	expect(await templatesOf(clusterId)).toEqual([
		[9400, 'deleted', 'deleted'],
		[9401, 'deleted', 'deleted']
	]);
	expect(await templateVmid()).toBeNull();
});

/** A template that was made later, and that Proxmox does not have when its node is back. */
async function anotherTemplate(clusterId: string): Promise<void> {
	const { container, ...template } = await db.template.findFirstOrThrow({
		where: { clusterId },
		include: { container: true }
	});
	const { id: _id, databases: _none, ...same } = container;
	const { id: containerId } = await db.container.create({ data: { ...same, vmid: 9401 } });
	const { odooVersion, byLabel, readyAt } = template;
	await db.template.create({
		data: { clusterId, containerId, odooVersion, byLabel, readyAt, status: 'ready' }
	});
}

async function templatesOf(clusterId: string) {
	const rows = await db.template.findMany({ where: { clusterId }, include: { container: true } });
	return rows
		.map(({ status, container }) => [container.vmid, status, container.status] as const)
		.sort(([a], [b]) => a - b);
}
