import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import {
	build,
	staff,
	stepsOf,
	templateOf,
	testTemplates,
	until
} from '../../../../tests/setup/templates.ts';
import { readMark } from '../containers/marks.ts';
import { giveUpBuild } from './requestBuild.server.ts';
import { requestDeletion, retire } from './templates.server.ts';

const { sandbox, pve, guests } = await testTemplates();

describe('what fails', () => {
	it.each([
		[
			'the answer to the creation is lost',
			{ target: 'proxmox', match: 'POST /api2/json/nodes/pve1/lxc$', kind: 'reset', when: 'after' }
		],
		[
			'the creation is refused once',
			{ target: 'proxmox', match: 'POST /api2/json/nodes/pve1/lxc$', kind: 'status', status: 595 }
		],
		[
			'the answer to a step is lost',
			{ target: 'ssh', match: 'bash -s -- nginx', kind: 'reset', when: 'after' }
		],
		[
			'a step breaks off',
			{ target: 'ssh', match: 'bash -s -- databases', kind: 'status', status: 137, body: 'Killed' }
		],
		[
			'the answer to the end is lost',
			{ target: 'proxmox', match: 'POST .*/template$', kind: 'reset', when: 'after' }
		]
	] as const)('%s: it ends ready all the same, once', async (_name, fault) => {
		sandbox.kernel.faults.add({ ...fault, times: 1 });
		const id = await build();
		const { container } = await until(id, 'ready');
		const mine = Object.values(pve.state.containers).filter(
			({ config }) => readMark(config.description)?.containerId === container.id
		);
		expect(mine.map(({ vmid }) => vmid)).toEqual([container.vmid]);
	});

	it('the node goes down in the middle: it waits, and goes on when the node is back', async () => {
		const down = () => pve.setOnline('pve1', false);
		sandbox.kernel.faults.add({
			target: 'ssh',
			match: 'bash -s -- nginx',
			kind: 'reset',
			onTaken: down
		});
		const id = await build();
		await eventually(async () =>
			(await stepsOf(id)).some(
				({ status, message }) =>
					status === 'running' && JSON.stringify(message).includes('node_offline')
			)
		);
		pve.setOnline('pve1', true);
		const { jobId } = await templateOf(id);
		// Not before the half minute that the breaker and the wait take.
		await db.node.updateMany({ data: { haltedAt: null } });
		await transaction((tx) => wakeSaga(tx, jobId!));
		expect(await until(id, 'ready')).toMatchObject({ error: null });
	});

	it("a stranger has the VMID: another is taken, the stranger's is not touched", async () => {
		const taken = new Set(guests().map(({ vmid }) => vmid));
		let vmid = 200;
		const rows = new Set(
			(await db.container.findMany({ select: { vmid: true } })).map((row) => row.vmid)
		);
		while (rows.has(vmid) || taken.has(vmid)) vmid++;
		const stranger = structuredClone(pve.state.containers[9018]!);
		pve.state.containers[vmid] = {
			...stranger,
			vmid,
			config: { ...stranger.config, description: 'theirs' }
		};
		const id = await build();
		const { container } = await until(id, 'ready');
		expect(container.vmid).not.toBe(vmid);
		expect(pve.state.containers[vmid]?.config.description).toBe('theirs');
		delete pve.state.containers[vmid];
	});

	it('the wrong sources: it stays failed with their words until staff give it up, and then nothing is left', async () => {
		const id = await build({ packages_path: '/var/lib/vz/odoo/odoo_17.0.latest.tar.gz' });
		const { container, error } = await until(id, 'failed');
		expect(error).toBe('setup_odoo_lxc: these are the sources of Odoo 17, not of 18');
		expect(pve.state.containers[container.vmid]).toBeDefined();
		await transaction((tx) => giveUpBuild(tx, id, staff));
		await until(id, 'deleted');
		expect(pve.state.containers[container.vmid]).toBeUndefined();
		expect(await db.container.findUniqueOrThrow({ where: { id: container.id } })).toMatchObject({
			status: 'deleted'
		});
		expect(await db.ipAddress.count({ where: { containerId: container.id } })).toBe(0);
	});

	it('a node without room is refused beside the field, and nothing is taken', async () => {
		const count = await db.container.count();
		await expect(build({ ram_mb: '262144' })).rejects.toMatchObject({
			code: 'BAD_INPUT',
			fields: { node_id: expect.stringContaining('pve1') }
		});
		expect(await db.container.count()).toBe(count);
	});

	it('linked clones keep a template: Proxmox says so, and it stays', async () => {
		const id = await build();
		const { container } = await until(id, 'ready');
		const linked = structuredClone(pve.state.containers[9018]!);
		const rootfs = `ceph:base-${container.vmid}-disk-0/vm-8000-disk-0,size=10G`;
		pve.state.containers[8000] = { ...linked, vmid: 8000, config: { rootfs, hostname: 'linked' } };
		await transaction((tx) => retire(tx, id, staff));
		await transaction((tx) => requestDeletion(tx, id, staff));
		const said = await eventually(async () => (await templateOf(id)).error);
		expect(said).toContain('still in use by linked clone');
		expect(await templateOf(id)).toMatchObject({ status: 'retired' });
		delete pve.state.containers[8000];
		await transaction((tx) => requestDeletion(tx, id, staff));
		await until(id, 'deleted');
	});
});
