import { beforeEach, describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { placeTenant } from '../../../../tests/setup/containers.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { BY, testWarmPools } from '../../../../tests/setup/warmPools.ts';
import { PRO } from '../../../../tests/factories/infrastructure.ts';
import { askForAct } from '../containers/acts.server.ts';
import { ensureContainer } from '../containers/containers.server.ts';
import { growthOf, holdGrowth } from '../containers/growth.server.ts';
import { findPartner, releasePartner, reservePartner } from '../ha/partner.server.ts';
import { endMove, judgeTargets, reserveMove } from '../moving/reservation.server.ts';
import { nodeFigures } from '../nodes/figures.server.ts';
import { checkNodes } from '../nodes/nodes.server.ts';
import { moveReservation } from '../placement/placement.server.ts';
import { keepPools } from './keepPools.server.ts';

const { sandbox, id, target, settled, inProxmox, pool } = await testWarmPools();
const [PVE1, PVE2, PVE3] = [id('pve1'), id('pve2'), id('pve3')];

/** The memory that a node may promise besides what it has is so much. */
async function leave(nodeId: string, freeMb: number): Promise<void> {
	const [node] = await nodeFigures(db, [nodeId]);
	await db.node.update({
		where: { id: nodeId },
		data: { ramTotalMb: node!.committed.ramMb + freeMb }
	});
}

/** A customer's container on the first node. */
async function taken({ made = true } = {}): Promise<string> {
	await db.node.updateMany({ where: { id: { not: PVE1 } }, data: { maxContainers: 0 } });
	const { run, place, jobId } = await placeTenant();
	if (made) {
		await eventually(async () => (await ensureContainer(run, place.containerId)).ready);
		await db.provisioningJob.update({ where: { id: jobId }, data: { status: 'succeeded' } });
	}
	await db.node.updateMany({ data: { maxContainers: 100 } });
	return place.containerId;
}

/** Nothing is promised beyond what a node has. */
async function expectKept(): Promise<void> {
	for (const { committed, limit } of await nodeFigures(db))
		expect(committed.ramMb).toBeLessThanOrEqual(limit.ramMb);
}

beforeEach(() => checkNodes());

describe('what was made ahead goes', () => {
	it('for a container that grows, which waits for its room and then has it', async () => {
		const containerId = await taken();
		await target(1);
		const [ahead] = await settled(1);
		await leave(PVE1, 1024);
		const wanted = { ...PRO, ramMb: PRO.ramMb + 4096 };
		const far = { ...PRO, ramMb: PRO.ramMb + 16_384 };
		expect(await growthOf(db, containerId, wanted)).toMatchObject({
			...{ fits: true, reasons: [{ code: 'coming' }], yields: [{ containerId: ahead!.id }] }
		});
		// Where even that is not enough nothing goes.
		expect(await transaction((tx) => holdGrowth(tx, containerId, far))).toMatchObject({
			...{ fits: false, yields: null, reasons: [{ code: 'ramMb' }] }
		});
		expect(inProxmox(ahead!.id)).toHaveLength(1);
		const wish = { cpu_cores: 2, ram_mb: wanted.ramMb, disk_gb: 50 };
		const { id: actId } = await transaction((tx) =>
			askForAct(tx, containerId, { act: 'resize', ...wish }, BY)
		);
		await eventually(async () => {
			const { status, error } = await db.containerAct.findUniqueOrThrow({ where: { id: actId } });
			if (status === 'failed') throw new Error(String(error));
			return status === 'succeeded';
		}, 20);
		expect(inProxmox(containerId)).toMatchObject([{ config: { memory: wanted.ramMb } }]);
		expect(inProxmox(ahead!.id)).toEqual([]);
		await expectKept();
		await db.containerAct.deleteMany();
	});

	it('for a move and for a second node, the fewest that make room, and is not made anew meanwhile', async () => {
		const containerId = await taken();
		for (const node of ['pve2', 'pve3']) await target(1, { node });
		const ahead = await settled(2);
		await leave(PVE2, 0);
		await leave(PVE3, 0);
		const row = await db.container.findUniqueOrThrow({ where: { id: containerId } });
		const targets = await judgeTargets(db, row);
		expect(
			targets.map(({ verdict, yields }) => [verdict.fits, yields?.map((one) => one.containerId)])
		).toEqual(expect.arrayContaining(ahead.map(({ id: containerId }) => [false, [containerId]])));
		const found = await findPartner(db, containerId);
		expect(found).toMatchObject({ reasons: [{ code: 'ha_partner' }], yields: [expect.anything()] });
		const move = () => transaction((tx) => reserveMove(tx, containerId, PVE2));
		expect(await move()).toMatchObject({ noRoom: [{ fits: false }], comes: true });
		expect(await move()).toMatchObject({ comes: true });
		const reserved = await eventually(async () => {
			const answer = await move();
			return 'nodeId' in answer && answer;
		});
		expect(reserved).toMatchObject({ nodeId: PVE2 });
		const [there] = ahead.filter(({ nodeId }) => nodeId === PVE2);
		expect(inProxmox(there!.id)).toEqual([]);
		await expectKept();
		await transaction((tx) => endMove(tx, containerId));

		// Its room is free again; the other node's is not, and it is the only one that may stand by.
		await db.node.update({ where: { id: PVE2 }, data: { maxContainers: 0 } });
		const standBy = () => transaction((tx) => reservePartner(tx, containerId));
		expect(await standBy()).toMatchObject({ yields: [{ nodeId: PVE3 }] });
		await eventually(async () => 'nodeId' in (await standBy()));
		await expectKept();
		await transaction((tx) => releasePartner(tx, containerId));

		const waits = { containerId, fromNodeId: PVE1, byLabel: 'tests', error: 'room_comes' };
		await db.containerMove.create({ data: waits });
		await keepPools();
		expect(await db.warmPool.findMany({ select: { error: true } })).toEqual([
			{ error: 'wanted' },
			{ error: 'wanted' }
		]);
		await db.containerMove.deleteMany();
	});

	it('for a set-up whose node went before anything was copied', async () => {
		await target(1, { node: 'pve2' });
		const [ahead] = await settled(1);
		const containerId = await taken({ made: false });
		await leave(PVE2, 0);
		await db.node.update({ where: { id: PVE3 }, data: { maxContainers: 0 } });
		const elsewhere = () => transaction((tx) => moveReservation(tx, containerId));
		expect(await elsewhere()).toBeNull();
		expect(await eventually(elsewhere)).toBe('pve2');
		expect(inProxmox(ahead!.id)).toEqual([]);
		await expectKept();
		expect(await pool()).toBeNull();
	});
});

it('limits that get smaller keep their room until Proxmox has taken it away', async () => {
	const containerId = await taken();
	await leave(PVE1, 0);
	const free = async () => {
		const [node] = await nodeFigures(db, [PVE1]);
		return node!.limit.ramMb - node!.committed.ramMb;
	};
	/** How often whoever waits for room was told. */
	const told = () =>
		db.$queryRaw<object[]>`SELECT FROM pgboss.job WHERE name = 'provisioning.capacity-appeared'`;
	const shrink = async () => {
		await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'provisioning.capacity-appeared'`;
		const wish = { cpu_cores: 1, ram_mb: PRO.ramMb - 1024, disk_gb: PRO.diskGb };
		const { id } = await transaction((tx) =>
			askForAct(tx, containerId, { act: 'resize', ...wish }, BY)
		);
		return eventually(() =>
			db.containerAct.findFirst({ where: { id, status: { in: ['succeeded', 'failed'] } } })
		);
	};
	const seen: number[] = [];
	const change = { target: 'proxmox', match: '^PUT .*/config$' } as const;
	const onTaken = () => void free().then((mb) => seen.push(mb));
	sandbox.kernel.faults.add({ ...change, kind: 'status', status: 403, onTaken });
	expect(await shrink()).toMatchObject({ status: 'failed' });
	expect([seen, await free()]).toEqual([[0], 0]);
	expect(await told()).not.toEqual([]);
	expect(inProxmox(containerId)).toMatchObject([{ config: { memory: PRO.ramMb } }]);
	expect(await shrink()).toMatchObject({ status: 'succeeded' });
	expect(await free()).toBe(1024);
	expect(await told()).not.toEqual([]);
	await db.containerAct.deleteMany();
});
