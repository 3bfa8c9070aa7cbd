import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import type { FaultRequest } from '../../../sandbox/kernel/faults.ts';
import { placeTenant, testContainers, type Placed } from '../../../../tests/setup/containers.ts';
import { ensureContainer } from './containers.server.ts';
import { readMark, writeMark } from './marks.ts';
import type { ContainerProgress, Run } from './progress.ts';

const { sandbox, pve, guests, changes } = await testContainers({ work: false });

beforeEach(async () => {
	sandbox.kernel.faults.clear();
	sandbox.kernel.calls.clear();
	for (const { name } of pve.state.nodes) pve.setOnline(name, true);
	for (const { vmid } of guests()) delete pve.state.containers[vmid];
	delete pve.state.containers[9018]!.config.lock;
	await db.tenant.deleteMany();
	await db.ipAddress.deleteMany();
	await db.cloneTurn.deleteMany();
	await db.container.deleteMany({ where: { purpose: { not: 'template' } } });
	await db.node.updateMany({ data: { haltedAt: null, haltedBy: null } });
});

/** Goes on until it is ready, as the saga does: through waits and errors that may pass. */
async function untilReady(placed: Placed, run: Run = placed.run, tries = 12) {
	const errors: unknown[] = [];
	for (let left = tries; left > 0; left--) {
		try {
			const progress = await ensureContainer(run, placed.place.containerId);
			if (progress.ready) return { progress, errors };
			await sleep(Math.min(300, progress.wait * 1000));
		} catch (error) {
			errors.push(error);
		}
	}
	throw new Error(`not ready: ${errors.map(String).join(' · ')}`);
}

function mine({ place }: Placed) {
	return guests().filter(
		({ config }) => readMark(config.description)?.containerId === place.containerId
	);
}

/** Exactly one container, as it must be, and nothing else was left behind. */
async function expectMade(placed: Placed) {
	expect(mine(placed)).toHaveLength(1);
	const [container] = mine(placed);
	const row = await db.container.findUniqueOrThrow({ where: { id: placed.place.containerId } });
	expect(row).toMatchObject({ status: 'running', taskUpid: null, vmid: container!.vmid });
	expect(container).toMatchObject({
		status: 'running',
		config: {
			cores: 2,
			memory: 4096,
			hostname: row.hostname,
			onboot: 1,
			unprivileged: 1,
			tags: 'erpcore',
			description: writeMark({ jobId: placed.jobId, containerId: row.id }),
			net0: expect.stringMatching(new RegExp(`(?=.*ip=${row.ipAddress}/24)(?=.*gw=10.10.20.1)`)),
			rootfs: expect.stringContaining('size=50G')
		}
	});
	expect(container!.config.lock).toBeUndefined();
	expect(pve.state.containers[9018]!.config.lock).toBeUndefined();
	expect(await db.cloneTurn.count()).toBe(0);
}

describe('a container', () => {
	it('is cloned to its node, set up, started and read back; a second look changes nothing', async () => {
		const placed = await placeTenant();
		const { progress } = await untilReady(placed);
		await expectMade(placed);
		const { vmid, ip } = placed.place;
		expect(progress).toMatchObject({ ready: true, vmid, ip, nodeId: placed.place.nodeId });
		expect(mine(placed)[0]!.config.net0).not.toContain('BC:24:11:90:18:00');
		const before = changes().length;
		await untilReady(placed);
		expect(changes()).toHaveLength(before);
	});

	it('leaves a row for every changing call', async () => {
		const placed = await placeTenant();
		await untilReady(placed);
		const calls = await db.vendorCall.findMany({ where: { jobId: placed.jobId } });
		expect(calls.map(({ operation, status }) => [operation, status]).sort()).toEqual([
			['lxc.clone', 'succeeded'],
			['lxc.config.set', 'succeeded'],
			['lxc.resize', 'succeeded'],
			['lxc.start', 'succeeded']
		]);
		expect(calls.every(({ key }) => key === String(placed.place.vmid))).toBe(true);
	});

	it('whose VMID is somebody else’s takes another and leaves theirs alone', async () => {
		const placed = await placeTenant();
		const { vmid } = placed.place;
		const theirs = structuredClone(pve.state.containers[9018]!);
		delete theirs.config.template;
		Object.assign(theirs, { vmid, node: 'pve3' });
		theirs.config.description = writeMark({ jobId: placed.jobId, containerId: randomUUID() });
		pve.state.containers[vmid] = theirs;
		const before = JSON.stringify(theirs);
		await untilReady(placed);
		await expectMade(placed);
		expect(mine(placed)[0]!.vmid).not.toBe(vmid);
		expect(JSON.stringify(pve.state.containers[vmid])).toBe(before);
	});

	it('waits for a template that somebody outside the queue copies', async () => {
		const placed = await placeTenant();
		pve.state.containers[9018]!.config.lock = 'disk';
		setTimeout(() => delete pve.state.containers[9018]!.config.lock, 1200);
		const { errors } = await untilReady(placed);
		expect(errors).toEqual([]);
		await expectMade(placed);
	});

	it('is put right when somebody changed it', async () => {
		const placed = await placeTenant();
		await untilReady(placed);
		const [container] = mine(placed);
		Object.assign(container!.config, { memory: 512, net0: 'name=eth0,bridge=vmbr0,ip=dhcp' });
		pve.markStopped(container!);
		await untilReady(placed);
		await expectMade(placed);
	});

	it('that is not copied yet leaves a node that goes into maintenance, or waits for it', async () => {
		const placed = await placeTenant();
		const { nodeId } = placed.place;
		await db.node.update({ where: { id: nodeId }, data: { status: 'maintenance' } });
		const others = { id: { not: nodeId } };
		await db.node.updateMany({ where: others, data: { maxContainers: 0 } });
		expect(await ensureContainer(placed.run, placed.place.containerId)).toMatchObject({
			...{ ready: false, reason: 'node_maintenance' }
		});
		await db.node.updateMany({ where: others, data: { maxContainers: 50 } });
		const { progress } = await untilReady(placed);
		expect(progress).toMatchObject({ ready: true, nodeId: expect.not.stringMatching(nodeId) });
		await expectMade(placed);
		await db.node.update({ where: { id: nodeId }, data: { status: 'online' } });
	});

	it('is followed to the node that it was moved to', async () => {
		const placed = await placeTenant();
		await untilReady(placed);
		mine(placed)[0]!.node = 'pve1';
		const { progress } = await untilReady(placed);
		expect(progress).toMatchObject({ node: 'pve1' });
		const row = await db.container.findUniqueOrThrow({
			where: { id: placed.place.containerId },
			include: { node: true }
		});
		expect(row.node.name).toBe('pve1');
	});
});

const CALLS = {
	clone: 'POST .*/clone',
	configure: 'PUT .*/config',
	resize: 'PUT .*/resize',
	start: 'POST .*/start'
};
const FAULTS: Record<string, Partial<FaultRequest> & Pick<FaultRequest, 'kind'>> = {
	'answers 500': { kind: 'status', status: 500 },
	'answers 502 after the effect': { kind: 'status', status: 502, when: 'after' },
	'cuts the connection': { kind: 'reset' },
	'cuts the connection after the effect': { kind: 'reset', when: 'after' },
	'answers garbage after the effect': { kind: 'malformed', when: 'after' },
	'answers twice in a row with nothing': { kind: 'reset', when: 'after', times: 2 }
};

describe.each(Object.entries(CALLS))('%s', (_name, match) => {
	it.each(Object.entries(FAULTS))('that %s leads to one container', async (_what, fault) => {
		const placed = await placeTenant();
		sandbox.kernel.faults.add({ target: 'proxmox', match, ...fault });
		await untilReady(placed);
		expect(sandbox.kernel.calls.list({ vendor: 'proxmox' }).some((call) => call.fault)).toBe(true);
		await expectMade(placed);
	});
});

describe.each(['TASK vzclone', 'TASK resize', 'TASK vzstart'])('%s', (match) => {
	it('that fails is begun again', async () => {
		const placed = await placeTenant();
		sandbox.kernel.faults.add({
			target: 'proxmox',
			match,
			kind: 'status',
			body: 'lvcreate error: no space left on device'
		});
		const { errors } = await untilReady(placed);
		expect(String(errors[0])).toContain('no space left on device');
		await expectMade(placed);
	});

	it('that ends with a warning has done its work', async () => {
		const placed = await placeTenant();
		sandbox.kernel.faults.add({ target: 'proxmox', match, kind: 'malformed', body: 'clock skew' });
		const { errors } = await untilReady(placed);
		expect(errors).toEqual([]);
		await expectMade(placed);
		const lines = await db.logEntry.findMany({ where: { jobId: placed.jobId, level: 'warning' } });
		expect(lines.map(({ message }) => message).join()).toContain('WARNINGS: 1');
	});
});

describe('a worker that dies', () => {
	it('at any write is followed by one that finishes the same container', async () => {
		let deaths = 0;
		for (let survived = 0; survived < 40; survived++) {
			const placed = await placeTenant();
			let writes = 0;
			const dying: Run = {
				...placed.run,
				write: (work) => {
					if (writes++ === survived) throw new Error('the worker died');
					return placed.run.write(work);
				}
			};
			const first = await ensureContainer(dying, placed.place.containerId).catch(
				(error: Error): ContainerProgress | Error => error
			);
			if (!(first instanceof Error)) break;
			expect(first.message).toBe('the worker died');
			deaths += 1;
			await untilReady(placed);
			await expectMade(placed);
		}
		expect(deaths).toBeGreaterThan(4);
	});
});

describe('a node that is down', () => {
	it('before the copy: the container goes to another node', async () => {
		const placed = await placeTenant();
		const { name } = await db.node.findUniqueOrThrow({ where: { id: placed.place.nodeId } });
		expect(name).not.toBe('pve1');
		pve.setOnline(name, false);
		const { progress } = await untilReady(placed);
		await expectMade(placed);
		expect(progress).not.toMatchObject({ node: name });
		// Halted at once; offline is what the looks of every minute call it.
		expect(await db.node.findFirst({ where: { name } })).toMatchObject({ haltedBy: 'api' });
	});

	it('after the copy: it waits for the node, and makes no second one', async () => {
		const placed = await placeTenant();
		sandbox.kernel.faults.add({ target: 'proxmox', match: CALLS.start, kind: 'reset' });
		await ensureContainer(placed.run, placed.place.containerId).catch(() => null);
		const [container] = mine(placed);
		pve.setOnline(container!.node, false);
		expect(await ensureContainer(placed.run, placed.place.containerId)).toMatchObject({
			ready: false,
			reason: 'node_offline'
		});
		pve.setOnline(container!.node, true);
		await untilReady(placed);
		await expectMade(placed);
	});

	it('with the only template: it waits for the template', async () => {
		const placed = await placeTenant();
		pve.setOnline('pve1', false);
		expect(await ensureContainer(placed.run, placed.place.containerId)).toMatchObject({
			ready: false,
			reason: 'template_offline'
		});
		expect(guests()).toEqual([]);
		pve.setOnline('pve1', true);
		await untilReady(placed);
		await expectMade(placed);
	});

	it('in the middle of the copy: the half-made one is removed and made anew', async () => {
		const placed = await placeTenant();
		const half = structuredClone(pve.state.containers[9018]!);
		delete half.config.template;
		const { name } = await db.node.findUniqueOrThrow({ where: { id: placed.place.nodeId } });
		Object.assign(half, { vmid: placed.place.vmid, node: name });
		half.config.lock = 'create';
		half.config.description = writeMark({
			jobId: placed.jobId,
			containerId: placed.place.containerId
		});
		pve.state.containers[placed.place.vmid] = half;
		await untilReady(placed);
		await expectMade(placed);
		expect(changes().filter((line) => line.startsWith('DELETE'))).toHaveLength(1);
	});
});
