import { expect, test, vi } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { BY, mostAtOnce, PATIENCE, testDrains } from '../../../../../tests/setup/nodeDrains.ts';
import { dyingWriting } from '../../../../../tests/setup/deaths.ts';
import { advanceDrain } from './drainRun.server.ts';
import {
	cancelDrain,
	pauseDrain,
	resumeDrain,
	retryDrainMove,
	skipDrainMove
} from './drains.server.ts';

vi.setConfig({ testTimeout: PATIENCE });
const world = await testDrains();
const { sandbox, id, put, leave, drain, movesOf, until, isDone, whereabouts, setting } = world;

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
	await transaction((tx) => retryDrainMove(tx, drainId, first!.id, BY));
	await transaction((tx) => skipDrainMove(tx, drainId, second!.id, BY));
	await until(() => isDone(drainId));
	expect(whereabouts()[bad.vmid]).not.toBe('pve1');
	expect(whereabouts()[worse.vmid]).toBe('pve1');
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

test('nothing begins before the time that customers were told', async () => {
	const { vmid } = await put('pve1', 1024);
	const { id: drainId, notBefore } = await drain('pve1', 6);
	expect(notBefore!.getTime()).toBeGreaterThan(Date.now() + 5 * 3_600_000);
	await advanceDrain(drainId);
	expect(await statuses(drainId)).toEqual(['planned']);
	await db.nodeDrain.update({ where: { id: drainId }, data: { notBefore: new Date() } });
	await until(() => isDone(drainId));
	expect(whereabouts()[vmid]).not.toBe('pve1');
});
