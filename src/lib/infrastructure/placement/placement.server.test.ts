import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import {
	clusterEnrolment,
	createCluster,
	createUnplacedTenant,
	nodeEnrolment,
	PRO
} from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { enrolCluster } from '../nodes/enrol.server.ts';
import { lacksHa } from './haLack.ts';
import { nodeFigures } from '../nodes/figures.server.ts';
import {
	anotherVmid,
	explainCapacity,
	moveReservation,
	placementRules,
	releaseContainer,
	reserveContainer,
	type Place
} from './placement.server.ts';

await testDatabase();
// Provisioning's job, which wakes who waits for room.
defineJob({ name: 'provisioning.capacity-appeared', payload: z.object({}), run: async () => {} });
await testQueue({ work: false });

const rules = await placementRules();
const nothing = new Map<string, Set<number>>();

beforeEach(async () => {
	await db.ipAddress.deleteMany();
	await db.tenant.deleteMany();
	await db.container.deleteMany();
	await db.addressPool.deleteMany();
	await db.node.deleteMany();
	await db.cluster.deleteMany();
});

async function reserve(isolation: Isolation, { taken = nothing, jobId = randomUUID() } = {}) {
	const tenant = await createUnplacedTenant(db, { isolation });
	const answer = await transaction(async (tx) => {
		const place = await reserveContainer(tx, {
			...PRO,
			isolation,
			tenantId: tenant.id,
			jobId,
			hostname: tenant.slug,
			rules,
			taken
		});
		if ('containerId' in place) {
			await tx.tenant.update({
				where: { id: tenant.id },
				data: { containerId: place.containerId, status: 'provisioning' }
			});
		}
		return place;
	});
	return { tenant, jobId, answer };
}

function placed({ answer }: Awaited<ReturnType<typeof reserve>>): Place {
	if ('noRoom' in answer) throw new Error(`no room: ${JSON.stringify(answer.noRoom.nodes)}`);
	return answer;
}

const room = (containers: number) =>
	nodeEnrolment({
		// The template takes 2 cores, 2048 MB and 10 GB of it.
		capacity: { cpuCores: 16, ramMb: 2048 + 4096 * containers, diskGb: 1000 }
	});

describe('many at once', () => {
	it('two for the last place: exactly one gets it, the other hears why', async () => {
		await createCluster(db, { nodes: [room(1)] });
		const answers = await Promise.all([reserve('dedicated'), reserve('dedicated')]);
		const losers = answers.flatMap(({ answer }) => ('noRoom' in answer ? [answer.noRoom] : []));
		expect(losers).toHaveLength(1);
		expect(losers[0]).toMatchObject({
			fits: false,
			nodes: [{ fits: false, reasons: [{ code: 'ramMb', wanted: 4096, free: 0 }] }]
		});
		expect(await db.container.count({ where: { purpose: 'odoo' } })).toBe(1);
		expect(await db.ipAddress.count()).toBe(1);
	});

	it('forty for seven places on two nodes: seven get one each, nothing is promised twice', async () => {
		const nodes = [room(3), { ...room(4), name: 'pve2' }];
		nodes[1]!.capacity.ramMb -= 2048;
		await createCluster(db, { nodes });
		const answers = await Promise.all(Array.from({ length: 40 }, () => reserve('dedicated')));
		const won = answers.flatMap(({ answer }) => ('containerId' in answer ? [answer] : []));
		expect(won).toHaveLength(7);
		for (const key of ['containerId', 'vmid', 'ip'] as const) {
			expect(new Set(won.map((place) => place[key]))).toHaveLength(7);
		}
		for (const { committed, limit } of await nodeFigures(db)) {
			expect(committed.ramMb).toBe(limit.ramMb);
			expect(committed.cpuCores).toBeLessThanOrEqual(limit.cpuCores);
		}
	});

	it('twenty shared ones fill containers of eight, one new container after the other', async () => {
		await createCluster(db, {
			nodes: [nodeEnrolment({ capacity: { cpuCores: 64, ramMb: 262_144, diskGb: 4000 } })]
		});
		const places = (await Promise.all(Array.from({ length: 20 }, () => reserve('shared')))).map(
			placed
		);
		expect(places.filter(({ slotOnly }) => !slotOnly)).toHaveLength(3);
		const counts = new Map<string, number>();
		for (const { containerId } of places) {
			counts.set(containerId, (counts.get(containerId) ?? 0) + 1);
		}
		expect([...counts.values()].sort()).toEqual([4, 8, 8]);
		expect(await db.container.findFirst({ where: { purpose: 'shared' } })).toMatchObject({
			...rules.sharedContainer,
			slots: 8
		});
	});
});

describe('a place', () => {
	it('is the same when the same tenant asks again', async () => {
		await createCluster(db);
		const first = await reserve('dedicated');
		const again = await transaction((tx) =>
			reserveContainer(tx, {
				...PRO,
				isolation: 'dedicated',
				tenantId: first.tenant.id,
				jobId: first.jobId,
				hostname: 'x',
				rules,
				taken: nothing
			})
		);
		expect(again).toEqual(first.answer);
		expect(await db.container.count({ where: { purpose: 'odoo' } })).toBe(1);
	});

	it('avoids the VMIDs that the cluster says are taken, and those that had an owner before', async () => {
		const { clusterId } = await createCluster(db);
		const taken = new Map([[clusterId, new Set([200, 201])]]);
		const first = placed(await reserve('dedicated', { taken }));
		expect(first).toMatchObject({ vmid: 202, ip: '10.10.20.2', slotOnly: false });
		await db.tenant.updateMany({ data: { status: 'deleted' } });
		await transaction((tx) => releaseContainer(tx, first.containerId));
		expect(placed(await reserve('dedicated', { taken }))).toMatchObject({
			vmid: 203,
			ip: '10.10.20.2'
		});
	});

	it('uses a former VMID when there is no other', async () => {
		await createCluster(db, { vmidMin: 300, vmidMax: 300 });
		const first = placed(await reserve('dedicated'));
		expect((await reserve('dedicated')).answer).toMatchObject({
			noRoom: { nodes: [{ reasons: [{ code: 'vmids' }] }] }
		});
		await db.tenant.updateMany({ data: { status: 'refunded' } });
		await transaction((tx) => releaseContainer(tx, first.containerId));
		expect(placed(await reserve('dedicated'))).toMatchObject({ vmid: 300 });
	});

	it('in a shared container is free again once its tenant is gone', async () => {
		await createCluster(db);
		const first = await reserve('shared');
		await db.container.updateMany({ where: { purpose: 'shared' }, data: { slots: 1 } });
		const noSlot = await transaction((tx) =>
			explainCapacity(tx, { ...PRO, isolation: 'shared' }, rules)
		);
		expect(noSlot.shared[0]).toMatchObject({ fits: false, reasons: [{ code: 'full', slots: 1 }] });
		await db.tenant.update({ where: { id: first.tenant.id }, data: { status: 'deleted' } });
		expect(placed(await reserve('shared'))).toMatchObject({
			containerId: placed(first).containerId,
			slotOnly: true
		});
	});

	it('is not given up while a tenant is in it', async () => {
		await createCluster(db);
		const { answer } = await reserve('dedicated');
		const { containerId } = answer as Place;
		await expect(transaction((tx) => releaseContainer(tx, containerId))).rejects.toThrow(
			'WRONG_STATE'
		);
		expect(await db.ipAddress.count({ where: { containerId } })).toBe(1);
	});
});

describe('check-capacity', () => {
	it('takes nothing and says of every node why not', async () => {
		await createCluster(db, {
			nodes: [
				nodeEnrolment(),
				nodeEnrolment({ name: 'pve2', capacity: { cpuCores: 1, ramMb: 1024, diskGb: 10 } }),
				nodeEnrolment({ name: 'pve3' })
			]
		});
		await db.node.updateMany({ where: { name: 'pve3' }, data: { status: 'offline' } });
		const before = await db.container.count();
		const found = await transaction((tx) =>
			explainCapacity(tx, { ...PRO, isolation: 'dedicated' }, rules)
		);
		expect(found.fits).toBe(true);
		expect(found.nodes[0]).toMatchObject({ candidate: { name: 'pve1' }, fits: true, reasons: [] });
		const why = found.nodes.map(({ candidate, reasons }) => [
			candidate.name,
			reasons.map(({ code }) => code)
		]);
		expect(Object.fromEntries(why)).toEqual({
			pve1: [],
			pve2: ['ramMb', 'diskGb'],
			pve3: ['offline']
		});
		expect(await db.container.count()).toBe(before);
		expect(await db.ipAddress.count()).toBe(0);
	});

	it('says that nothing can fail over where no storage is known', async () => {
		const names = ['pve1', 'pve2', 'pve3'];
		await createCluster(db, { nodes: names.map((name) => nodeEnrolment({ name })) });
		const found = await transaction((tx) =>
			explainCapacity(tx, { ...PRO, isolation: 'dedicated_ha' }, rules)
		);
		expect(found.nodes.map(({ reasons }) => reasons)).toEqual(
			names.map(() => [{ code: 'ha_storage' }])
		);
		expect(lacksHa(found)).toBe(true);
	});
});

describe('a reservation', () => {
	it('moves to another node with its VMID and address', async () => {
		await createCluster(db, { nodes: [nodeEnrolment(), nodeEnrolment({ name: 'pve2' })] });
		const place = placed(await reserve('dedicated'));
		// The template stands on pve1, so that pve2 is emptier.
		expect(await transaction((tx) => moveReservation(tx, place.containerId))).toBe('pve1');
		const row = await db.container.findUniqueOrThrow({
			where: { id: place.containerId },
			include: { node: true, address: true }
		});
		expect(row).toMatchObject({
			vmid: place.vmid,
			node: { name: 'pve1' },
			address: { address: place.ip }
		});
	});

	it('stays where it is when no other node has room', async () => {
		await createCluster(db);
		const place = placed(await reserve('dedicated'));
		expect(await transaction((tx) => moveReservation(tx, place.containerId))).toBeNull();
		expect(await db.container.findUnique({ where: { id: place.containerId } })).toMatchObject({
			nodeId: place.nodeId
		});
	});

	it('takes another VMID when its own is somebody else’s', async () => {
		const { clusterId } = await createCluster(db);
		const { containerId, vmid } = placed(await reserve('dedicated'));
		const taken = new Map([[clusterId, new Set([vmid, vmid + 1])]]);
		expect(await transaction((tx) => anotherVmid(tx, containerId, taken))).toBe(vmid + 2);
	});
});

describe('enrolling', () => {
	it('again changes what is known and keeps the rows', async () => {
		const enrolment = clusterEnrolment();
		const first = await enrolCluster(db, enrolment);
		const before = await db.node.findFirstOrThrow({ include: { credential: true } });
		enrolment.nodes[0]!.apiUrl = 'https://127.0.0.1:10';
		expect(await enrolCluster(db, enrolment)).toEqual(first);
		const rows = await db.node.findMany({ include: { credential: true } });
		expect(rows).toHaveLength(1);
		expect(rows[0]).toMatchObject({ id: before.id, apiUrl: 'https://127.0.0.1:10' });
		expect(rows[0]!.credential!.apiToken).not.toContain('control');
		expect(await db.container.count({ where: { purpose: 'template' } })).toBe(1);
		expect(await db.addressPool.count()).toBe(1);
	});
});
