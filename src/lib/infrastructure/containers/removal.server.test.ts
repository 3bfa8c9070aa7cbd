import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { sagaNamed } from '#lib/core/saga.server.ts';
import { detachedContext } from '#lib/core/sagaContext.server.ts';
import {
	containerSaga,
	placeTenant,
	testContainers,
	type Placed
} from '../../../../tests/setup/containers.ts';
import { destroyContainer, ensureContainer } from './containers.server.ts';
import { readMark, writeMark } from './marks.ts';
import { sweepOrphans } from './sweep.server.ts';

const { sandbox, pve, guests, changes } = await testContainers({ work: false });
const signal = new AbortController().signal;

beforeEach(async () => {
	sandbox.kernel.faults.clear();
	sandbox.kernel.calls.clear();
	sandbox.kernel.speed = 0;
	setClockOffset(0);
	for (const { vmid } of guests()) delete pve.state.containers[vmid];
	delete pve.state.containers[9018]!.config.lock;
	await db.tenant.deleteMany();
	await db.ipAddress.deleteMany();
	await db.cloneTurn.deleteMany();
	await db.orphanContainer.deleteMany();
	await db.container.deleteMany({ where: { purpose: { not: 'template' } } });
});

const make = ({ run, place }: Placed) => ensureContainer(run, place.containerId);
const remove = ({ run, place, tenantId }: Placed) =>
	destroyContainer(run, place.containerId, { tenantId });
const rowOf = ({ place }: Placed) =>
	db.container.findUniqueOrThrow({ where: { id: place.containerId }, include: { address: true } });

/** Puts a container into Proxmox as a copy with this description would be there. */
function put(vmid: number, description: string, config: Record<string, string | number> = {}) {
	const copy = structuredClone(pve.state.containers[9018]!);
	delete copy.config.template;
	Object.assign(copy, { vmid, node: 'pve2' });
	Object.assign(copy.config, { description, ...config });
	pve.state.containers[vmid] = copy;
	return copy;
}

async function undo({ jobId }: Placed) {
	const job = await db.provisioningJob.findUniqueOrThrow({ where: { id: jobId } });
	await sagaNamed(containerSaga.name).steps[0]!.undo!(detachedContext(job, 'container'));
}

describe('taking a container down', () => {
	it('leaves nothing of it, and may be done twice', async () => {
		const placed = await placeTenant();
		await make(placed);
		expect(await remove(placed)).toBe(true);
		expect(guests()).toEqual([]);
		expect(await rowOf(placed)).toMatchObject({ status: 'deleted', address: null });
		const before = changes().length;
		expect(await remove(placed)).toBe(true);
		expect(changes()).toHaveLength(before);
	});

	it('works before there is anything', async () => {
		const placed = await placeTenant();
		expect(await remove(placed)).toBe(true);
		expect(changes()).toEqual([]);
		expect(await rowOf(placed)).toMatchObject({ status: 'deleted', address: null });
	});

	it('stops a copy that is being made', async () => {
		const placed = await placeTenant();
		// A copy takes ten seconds there.
		sandbox.kernel.speed = 1;
		const making = make(placed).catch((error: Error) => error);
		await expect.poll(async () => (await rowOf(placed)).taskUpid).toContain(':vzclone:');
		sandbox.kernel.speed = 0;
		expect(await remove(placed)).toBe(true);
		expect(guests()).toEqual([]);
		expect(pve.state.containers[9018]!.config.lock).toBeUndefined();
		expect(await making).toBeInstanceOf(Error);
	});

	it('removes what a power cut left half copied', async () => {
		const placed = await placeTenant();
		put(
			placed.place.vmid,
			writeMark({ jobId: placed.jobId, containerId: placed.place.containerId }),
			{
				lock: 'create'
			}
		);
		expect(await remove(placed)).toBe(true);
		expect(guests()).toEqual([]);
	});

	it.each([
		['nothing', 'a customer’s own machine'],
		['another row', writeMark({ jobId: randomUUID(), containerId: randomUUID() })]
	])('does not touch what bears the mark of %s', async (_what, description) => {
		const placed = await placeTenant();
		const theirs = put(placed.place.vmid, description);
		const before = JSON.stringify(theirs);
		expect(await remove(placed)).toBe(true);
		expect(JSON.stringify(pve.state.containers[placed.place.vmid])).toBe(before);
		expect(changes()).toEqual([]);
	});

	it.each(['POST .*/stop', 'DELETE .*/lxc/'])(
		'finishes although the answer to %s is lost',
		async (match) => {
			const placed = await placeTenant();
			await make(placed);
			sandbox.kernel.faults.add({ target: 'proxmox', match, kind: 'reset', when: 'after' });
			await remove(placed).catch(() => remove(placed));
			expect(guests()).toEqual([]);
			expect(await rowOf(placed)).toMatchObject({ status: 'deleted' });
		}
	);

	it('is refused while somebody else is in it', async () => {
		const [placed, other] = [await placeTenant(), await placeTenant()];
		await db.tenant.update({
			where: { id: other.tenantId },
			data: { containerId: placed.place.containerId }
		});
		await expect(remove(placed)).rejects.toThrow('WRONG_STATE');
	});
});

describe('a shared container', () => {
	it('is made by one run, while the others wait and then find it ready', async () => {
		const [first, second] = [await placeTenant('shared'), await placeTenant('shared')];
		expect(second.place).toMatchObject({ containerId: first.place.containerId, slotOnly: true });
		const waiting = make(second);
		expect(await make(first)).toMatchObject({ ready: true });
		expect(await waiting).toMatchObject({ ready: true });
		expect(guests()).toHaveLength(1);
		expect(changes().filter((line) => line.includes('/clone'))).toHaveLength(1);
	});

	it('lets the others sleep while it takes long, and wakes them when it is ready', async () => {
		const [first, second] = [await placeTenant('shared'), await placeTenant('shared')];
		// Its maker waits for its turn, and those who wait for it must not keep its worker from it.
		expect(await make(second)).toMatchObject({ reason: 'being_made', wait: 20 });
		const queued = () =>
			db.$queryRaw<{ id: string; due: boolean }[]>`
				SELECT id, start_after <= now() AS due FROM pgboss.job
				WHERE name = 'sagas.run' AND singleton_key = ${second.jobId} AND state = 'created'`;
		const before = await queued();
		await make(first);
		const after = await queued();
		// One job for a run, whoever wakes it how often: the earlier one gives way to one that is due now.
		expect(after).toMatchObject([{ due: true }]);
		expect(before.map(({ id }) => id)).not.toContain(after[0]!.id);
	});

	it('is finished by another when the run that began it has ended', async () => {
		const [first, second] = [await placeTenant('shared'), await placeTenant('shared')];
		sandbox.kernel.faults.add({
			target: 'proxmox',
			match: 'POST .*/start',
			kind: 'status',
			status: 500
		});
		await make(first).catch(() => null);
		await db.provisioningJob.update({ where: { id: first.jobId }, data: { status: 'failed' } });
		expect(await make(second)).toMatchObject({ ready: true });
		expect(guests()).toHaveLength(1);
		expect(await rowOf(second)).toMatchObject({ createdByJobId: second.jobId, status: 'running' });
		expect(readMark(guests()[0]!.config.description)?.jobId).toBe(second.jobId);
	});

	it('stays when the run that made it is undone while others live in it', async () => {
		const [first, second] = [await placeTenant('shared'), await placeTenant('shared')];
		await make(first);
		expect(await remove(first)).toBe(false);
		expect(await make(second)).toMatchObject({ ready: true });
		expect(guests()).toHaveLength(1);
	});

	it('goes with the run that made it when nobody else is in it', async () => {
		const first = await placeTenant('shared');
		await make(first);
		await undo(first);
		expect(guests()).toEqual([]);
		expect(await rowOf(first)).toMatchObject({ status: 'deleted' });
	});

	it('that another run made stays when its last tenant’s set-up is undone', async () => {
		const [first, second] = [await placeTenant('shared'), await placeTenant('shared')];
		await make(first);
		await db.tenant.update({ where: { id: first.tenantId }, data: { status: 'deleted' } });
		await undo(second);
		expect(guests()).toHaveLength(1);
		expect(await rowOf(second)).toMatchObject({ status: 'running', retiring: false });
	});
});

describe('the sweeper', () => {
	/** A run that was undone, whose copy arrives afterwards. */
	async function late(): Promise<Placed> {
		const placed = await placeTenant();
		await remove(placed);
		put(
			placed.place.vmid,
			writeMark({ jobId: placed.jobId, containerId: placed.place.containerId })
		);
		return placed;
	}

	it('destroys a late copy after its grace, and says so', async () => {
		const placed = await late();
		await sweepOrphans(signal);
		expect(guests()).toHaveLength(1);
		setClockOffset(9 * MINUTE);
		await sweepOrphans(signal);
		expect(guests()).toHaveLength(1);
		setClockOffset(11 * MINUTE);
		await sweepOrphans(signal);
		expect(guests()).toEqual([]);
		expect(await db.orphanContainer.findFirst()).toMatchObject({
			containerId: placed.place.containerId,
			vmid: placed.place.vmid,
			destroyedAt: expect.any(Date)
		});
		const entry = await db.auditEntry.findFirst({ where: { action: 'infrastructure.sweep' } });
		expect(entry).toMatchObject({
			subjectId: placed.place.containerId,
			after: { vmid: placed.place.vmid, node: 'pve2' }
		});
	});

	it('destroys the copy under a VMID that was given up', async () => {
		const placed = await placeTenant();
		put(7777, writeMark({ jobId: placed.jobId, containerId: placed.place.containerId }));
		await make(placed);
		await sweepOrphans(signal);
		setClockOffset(11 * MINUTE);
		await sweepOrphans(signal);
		expect(guests().map(({ vmid }) => vmid)).toEqual([placed.place.vmid]);
	});

	it('leaves alone what is ours and alive, what is nobody’s, and what another installation made', async () => {
		const alive = await placeTenant();
		await make(alive);
		put(500, 'by hand', { hostname: 'correo' });
		put(501, writeMark({ jobId: randomUUID(), containerId: randomUUID() }));
		await sweepOrphans(signal);
		// One call for all; of those that may be a copy of ours their own configuration, of nobody else's.
		const reads = sandbox.kernel.calls.list({ vendor: 'proxmox', match: '^GET .*/config$' });
		expect(reads.filter(({ line }) => line.includes('/lxc/500/'))).toEqual([]);
		expect(reads.filter(({ line }) => line.includes('/lxc/501/'))).toHaveLength(1);
		const { clusterId } = alive.place;
		const ignored = {
			clusterId,
			vmid: 501,
			hostname: String(pve.state.containers[501]!.config.hostname)
		};
		await db.ignoredGuest.create({ data: { ...ignored, byLabel: 'ops@example.com' } });
		setClockOffset(60 * MINUTE);
		sandbox.kernel.calls.clear();
		await sweepOrphans(signal);
		expect(sandbox.kernel.calls.list({ vendor: 'proxmox', match: '/config' })).toEqual([]);
		expect(guests()).toHaveLength(3);
		expect(changes()).toEqual([]);
		expect(await db.orphanContainer.count()).toBe(0);
	});

	it('forgets one that went away by itself, and watches it anew when it comes back', async () => {
		const placed = await late();
		await sweepOrphans(signal);
		delete pve.state.containers[placed.place.vmid];
		await sweepOrphans(signal);
		expect(await db.orphanContainer.count()).toBe(0);
	});

	it('tries again when it cannot, and keeps the reason', async () => {
		await late();
		await sweepOrphans(signal);
		setClockOffset(11 * MINUTE);
		sandbox.kernel.faults.add({
			target: 'proxmox',
			match: 'TASK vzdestroy',
			kind: 'status',
			body: 'unable to remove volume'
		});
		await sweepOrphans(signal);
		expect(await db.orphanContainer.findFirst()).toMatchObject({
			destroyedAt: null,
			error: expect.stringContaining('unable to remove volume')
		});
		await sweepOrphans(signal);
		expect(guests()).toEqual([]);
	});
});
