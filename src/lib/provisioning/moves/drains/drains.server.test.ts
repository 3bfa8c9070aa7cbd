import { expect, test, vi } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { destroySoon } from '#lib/infrastructure/pools/giveUp.server.ts';
import { createUnplacedTenant } from '../../../../../tests/factories/infrastructure.ts';
import { BY, mostAtOnce, PATIENCE, testDrains } from '../../../../../tests/setup/nodeDrains.ts';
import { dyingWriting } from '../../../../../tests/setup/deaths.ts';
import { drainPlanOf } from './drainContainers.server.ts';
import { advanceDrain } from './drainRun.server.ts';
import { undecidedOf } from './drainView.server.ts';
import { retryDrainMove, skipDrainMove } from './drainMoves.server.ts';
import { wakeDrains } from './drainJobs.server.ts';
import { beginDrain, cancelDrain, pauseDrain, resumeDrain } from './drains.server.ts';

vi.setConfig({ testTimeout: PATIENCE });
const world = await testDrains();
const { sandbox, id, put, leave, drain, looks, movesOf, until, isDone, whereabouts, setting } =
	world;

const statuses = async (drainId: string) => (await movesOf(drainId)).map(({ status }) => status);
const moved = ['succeeded', 'confirming'];
const hold = (vmid: number) =>
	sandbox.kernel.faults.add({
		...{ target: 'proxmox', match: `^POST .*/${vmid}/migrate$`, kind: 'status', status: 500 },
		times: 100
	});

test('a node is emptied onto two others, the small ones first, one at a time', async () => {
	const [a, b, c, d] = [
		await put('pve1', 8192),
		await put('pve1', 1024),
		await put('pve1', 4096),
		await put('pve1', 2048)
	];
	const adopted = await put('pve1', 512, { adopted: true });
	await leave('pve2', 8192);
	await leave('pve3', 7168);
	const { id: drainId } = await drain('pve1');
	expect(await db.node.findUniqueOrThrow({ where: { id: id('pve1') } })).toMatchObject({
		...{ status: 'maintenance', maintenanceReason: 'Cambio de discos' }
	});
	await expect(drain('pve1')).rejects.toMatchObject({ code: 'NODE_IS_DRAINED' });
	await until(() => isDone(drainId));

	const moves = await movesOf(drainId);
	expect(moves.map(({ containerId }) => containerId)).toEqual([b.id, d.id, c.id, a.id]);
	expect(moves.every(({ status }) => moved.includes(status))).toBe(true);
	expect(mostAtOnce(moves)).toBe(1);
	expect(whereabouts()).toEqual({
		...{ [a.vmid]: 'pve2', [b.vmid]: 'pve3', [c.vmid]: 'pve3', [d.vmid]: 'pve3' },
		[adopted.vmid]: 'pve1'
	});
	const rows = await db.container.findMany({ where: { nodeId: id('pve1') } });
	expect(rows.map(({ purpose, adopted }) => adopted || purpose)).toEqual(
		expect.arrayContaining([true, 'template'])
	);
	expect(rows).toHaveLength(2);
	expect(await db.notification.count({ where: { kind: 'drain_done' } })).toBe(1);
	// It is still out of service, and empty of what could go.
	await expect(drain('pve1')).rejects.toMatchObject({ code: 'NOTHING_TO_DRAIN' });
});

test('two nodes are emptied at once: neither onto the other, and each target takes one at a time', async () => {
	await setting('provisioning.drain_parallel', 2);
	for (const node of ['pve1', 'pve1', 'pve2', 'pve2']) await put(node, 1024);
	const drains = await Promise.all([drain('pve1'), drain('pve2')]);
	await until(async () => (await isDone(drains[0].id)) && (await isDone(drains[1].id)));
	expect(new Set(Object.values(whereabouts()))).toEqual(new Set(['pve3']));
	const moves = await db.containerMove.findMany();
	expect(moves).toHaveLength(4);
	expect(mostAtOnce(moves)).toBe(1);
});

test('what fits nowhere waits and is said, the others go, and it goes when there is room', async () => {
	const [large, small] = [await put('pve1', 8192), await put('pve1', 1024)];
	await leave('pve2', 4096);
	await leave('pve3', 512);
	const { id: drainId } = await drain('pve1');
	await until(async () => (await statuses(drainId)).some((status) => moved.includes(status)));
	await until(async () => (await movesOf(drainId))[1]?.error === 'no_room');
	expect(whereabouts()).toEqual({ [small.vmid]: 'pve2', [large.vmid]: 'pve1' });
	expect(await isDone(drainId)).toBe(false);
	await leave('pve3', 8192);
	await until(() => isDone(drainId));
	expect(whereabouts()).toMatchObject({ [large.vmid]: 'pve3' });
});

test('paused nothing begins, given up the rest stays, and the node stays out of service', async () => {
	for (const ramMb of [1024, 2048, 4096]) await put('pve1', ramMb);
	const { id: drainId } = await drain('pve1');
	await transaction((tx) => pauseDrain(tx, drainId, BY));
	await until(async () => !(await statuses(drainId)).includes('running'));
	const gone = (await statuses(drainId)).filter((status) => moved.includes(status)).length;
	await advanceDrain(drainId);
	expect(await statuses(drainId)).not.toContain('running');
	expect(gone).toBeLessThan(3);
	await transaction((tx) => resumeDrain(tx, drainId, BY));
	await until(async () => (await statuses(drainId)).filter((s) => moved.includes(s)).length > gone);
	await transaction((tx) => cancelDrain(tx, drainId, BY));
	await until(async () => !(await statuses(drainId)).includes('running'));
	const after = await statuses(drainId);
	expect(after).not.toContain('planned');
	const stayed = after.filter((status) => status === 'cancelled').length;
	expect(Object.values(whereabouts()).filter((node) => node === 'pve1')).toHaveLength(stayed);
	expect(await db.node.findUniqueOrThrow({ where: { id: id('pve1') } })).toMatchObject({
		status: 'maintenance'
	});
	await expect(transaction((tx) => resumeDrain(tx, drainId, BY))).rejects.toMatchObject({
		code: 'WRONG_STATE'
	});
});

test('one that cannot go stops nobody, and is tried again or left by whoever decides', async () => {
	const [bad, worse, good] = [
		await put('pve1', 1024),
		await put('pve1', 2048),
		await put('pve1', 4096)
	];
	hold(bad.vmid);
	hold(worse.vmid);
	const { id: drainId } = await drain('pve1');
	await until(
		async () => (await statuses(drainId)).filter((s) => s === 'rolled_back').length === 2
	);
	await until(async () => whereabouts()[good.vmid] !== 'pve1');
	expect(whereabouts()).toMatchObject({ [bad.vmid]: 'pve1', [worse.vmid]: 'pve1' });
	expect(await isDone(drainId)).toBe(false);
	sandbox.kernel.faults.clear();
	const [first, second] = await movesOf(drainId);
	const retry = (moveId: string) => transaction((tx) => retryDrainMove(tx, drainId, moveId, BY));
	// Tried again it takes its turn: while the drain is paused nothing begins.
	await transaction((tx) => pauseDrain(tx, drainId, BY));
	expect(await retry(first!.id)).toMatchObject({ status: 'planned', jobId: null, error: null });
	await advanceDrain(drainId);
	expect((await statuses(drainId)).slice(0, 2)).toEqual(['planned', 'rolled_back']);
	await transaction((tx) => resumeDrain(tx, drainId, BY));
	await skipDrainMove(drainId, second!.id, BY);
	await until(() => isDone(drainId));
	expect(whereabouts()[bad.vmid]).not.toBe('pve1');
	expect(whereabouts()[worse.vmid]).toBe('pve1');
	// Of a drain that is over it is a move like any other.
	expect(await retry(second!.id)).toMatchObject({ status: 'running' });
	await until(async () => whereabouts()[worse.vmid] !== 'pve1');
});

test('one that failed is left where it was read to be, and keeps no drain waiting once it is elsewhere', async () => {
	const { id: containerId, vmid } = await put('pve1', 1024);
	await leave('pve2', 512);
	await leave('pve3', 512);
	const { id: drainId } = await drain('pve1');
	await until(async () => (await movesOf(drainId))[0]?.error === 'no_room');
	// As it is when it could not be taken back, and nobody knows for sure where it is.
	const { id: jobId } = await db.provisioningJob.create({
		data: { saga: 'containers.move', subjectId: containerId, status: 'compensated', state: {} }
	});
	const run = (status: 'failed' | 'compensated') =>
		db.provisioningJob.update({ where: { id: jobId }, data: { status } });
	const [{ id: moveId } = { id: '' }] = await movesOf(drainId);
	await db.containerMove.update({ where: { id: moveId }, data: { status: 'failed', jobId } });
	const skip = () => skipDrainMove(drainId, moveId, BY);
	const undecided = async () => (await undecidedOf(db, [drainId])).get(drainId) ?? 0;
	expect(await undecided()).toBe(1);
	const real = world.pve.state.containers[vmid]!;
	real.node = 'pve2';
	await expect(skip()).rejects.toMatchObject({ code: 'NOT_ON_NODE' });
	real.node = 'pve1';
	const silent = {
		target: 'proxmox',
		match: '^GET .*/config$',
		kind: 'status',
		status: 595
	} as const;
	sandbox.kernel.faults.add({ ...silent, times: 10 });
	await expect(skip()).rejects.toMatchObject({ code: 'VENDOR_UNAVAILABLE' });
	sandbox.kernel.faults.clear();
	// One that holds the container, since it has switched, can only go on.
	await run('failed');
	await expect(skip()).rejects.toMatchObject({ code: 'WRONG_STATE' });
	await db.container.update({ where: { id: containerId }, data: { nodeId: id('pve2') } });
	expect(await undecided()).toBe(0);
	await db.container.update({ where: { id: containerId }, data: { nodeId: id('pve1') } });
	await run('compensated');
	await skip();
	expect(await statuses(drainId)).toEqual(['cancelled']);
	await until(() => isDone(drainId));
});

test('who dies while beginning a move has begun nothing, and the next one begins it once', async () => {
	await put('pve1', 1024);
	const { id: drainId } = await drain('pve1', 1);
	expect(await statuses(drainId)).toEqual(['planned']);
	await db.nodeDrain.update({ where: { id: drainId }, data: { notBefore: null } });
	const died = await dyingWriting(
		'container_moves',
		`new.status = 'running' AND new.drain_id = '${drainId}'`,
		() => advanceDrain(drainId)
	);
	expect(died).toBe(true);
	expect(await statuses(drainId)).toEqual(['planned']);
	expect(await db.container.count({ where: { moveToNodeId: { not: null } } })).toBe(0);
	await until(() => isDone(drainId));
	const [move] = await movesOf(drainId);
	expect(await db.provisioningJob.count({ where: { subjectId: move!.containerId } })).toBe(1);
});

test('who was told of a time hears that it does not happen, in writing and in the portal', async () => {
	const { id: containerId } = await put('pve1', 1024);
	const [told, away] = [await createUnplacedTenant(db), await createUnplacedTenant(db)];
	const putIn = (one: { id: string }, status: 'active' | 'suspended') =>
		db.tenant.update({ where: { id: one.id }, data: { containerId, status } });
	await putIn(told, 'active');
	// Who is off the air anyway was told nothing, and hears of no end.
	await putIn(away, 'suspended');
	const heard = async ({ customerId }: { customerId: string }) => {
		const [where, orderBy] = [{ customerId }, { createdAt: 'asc' } as const];
		const mails = await db.emailMessage.findMany({ where, orderBy });
		const notices = await db.notification.findMany({ where, orderBy });
		return [...mails.map(({ template }) => template), ...notices.map(({ kind }) => kind)];
	};
	const { id: drainId } = await drain('pve1', 6);
	await transaction((tx) => cancelDrain(tx, drainId, BY));
	expect(await heard(told)).toEqual([
		...['move_planned', 'move_called_off'],
		...['tenant_move_planned', 'tenant_move_called_off']
	]);
	expect(await heard(away)).toEqual([]);
	await db.tenant.updateMany({ where: { containerId }, data: { containerId: null } });
});

test('nothing begins before the time that customers were told', async () => {
	const { vmid } = await put('pve1', 1024);
	const { id: drainId, notBefore } = await drain('pve1', 6);
	expect(notBefore!.getTime()).toBeGreaterThan(Date.now() + 5 * 3_600_000);
	await advanceDrain(drainId);
	expect(await statuses(drainId)).toEqual(['planned']);
	// Unless staff answer for it.
	await transaction((tx) => beginDrain(tx, drainId, BY));
	await until(() => isDone(drainId));
	expect(whereabouts()[vmid]).not.toBe('pve1');
	await expect(transaction((tx) => beginDrain(tx, drainId, BY))).rejects.toMatchObject({
		code: 'WRONG_STATE'
	});
});

test('what was made ahead for others goes where it is in the way of a drain, open or over', async () => {
	const plan = await db.plan.findFirstOrThrow({ where: { key: 'pro', replacedAt: null } });
	const room = { cpuCores: plan.cpuCores, ramMb: plan.ramMb, diskGb: plan.diskGb };
	/** Nothing but this holds the room there. */
	const ahead = async (node: string) => {
		const made = await put(node, plan.ramMb);
		const data = { ...room, warmPlanId: plan.id };
		await db.container.update({ where: { id: made.id }, data });
		await leave(node, 0);
		return made;
	};
	const [first, drained] = [await ahead('pve2'), await put('pve1', 2048)];
	await leave('pve3', 0);
	const pools = ['pve2', 'pve3'].map((node) => ({ nodeId: id(node), planId: plan.id, target: 1 }));
	await db.warmPool.createMany({ data: pools });
	expect((await drainPlanOf(db, id('pve1'))).moves).toMatchObject([
		{ to: { name: 'pve2' }, yields: [{ vmid: first.vmid }] }
	]);
	// One that is going and does not go: it is looked for again and again, by one job however many ask.
	await db.container.update({ where: { id: first.id }, data: { retiring: true } });
	const { id: drainId } = await drain('pve1');
	const waits = async () => (await movesOf(drainId))[0]?.error === 'room_comes';
	await until(async () => (await waits()) && (await looks(drainId)).isLooking === 0);
	for (let asked = 0; asked < 3; asked++) await advanceDrain(drainId);
	await wakeDrains();
	const { isLooking, later } = await looks(drainId);
	expect(isLooking + later).toBe(1);
	await transaction((tx) => destroySoon(tx, first.id));
	await until(async () => {
		await advanceDrain(drainId);
		return isDone(drainId);
	});
	expect(whereabouts()).toEqual({ [drained.vmid]: 'pve2' });

	// A move of a drain that is over begins by itself.
	const over = await drain('pve2', 6);
	await transaction((tx) => cancelDrain(tx, over.id, BY));
	const second = await ahead('pve3');
	const [{ id: moveId } = { id: '' }] = await movesOf(over.id);
	const move = await transaction((tx) => retryDrainMove(tx, over.id, moveId, BY));
	expect(move).toMatchObject({ status: 'planned', error: 'room_comes' });
	await until(async () => whereabouts()[drained.vmid] === 'pve3');
	expect(whereabouts()).not.toHaveProperty(String(second.vmid));
	await db.warmPool.deleteMany();
});
