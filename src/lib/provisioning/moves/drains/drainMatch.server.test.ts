import { beforeEach, expect, test } from 'vitest';
import {
	createCluster,
	createUnplacedTenant,
	nodeEnrolment
} from '../../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../../tests/setup/database.ts';
import { dyingWriting } from '../../../../../tests/setup/deaths.ts';
import { testQueue } from '../../../../../tests/setup/queue.ts';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { cancelMove } from '../containers/moveCancel.server.ts';
import { planMove } from '../containers/moves.server.ts';
import './drainJobs.server.ts';
import { countHeld, countUnplanned } from './drainMatch.server.ts';
import { skipDrainMove } from './drainMoves.server.ts';
import { advanceDrain } from './drainRun.server.ts';
import { startDrain } from './drains.server.ts';
import { drainRows } from './drainView.server.ts';

await testDatabase();
await testQueue({ work: false });
const { clusterId } = await createCluster(db, {
	nodes: ['pve1', 'pve2'].map((name) => nodeEnrolment({ name }))
});
const [one, two] = await db.node.findMany({ where: { clusterId }, orderBy: { name: 'asc' } });
const BY = { kind: 'staff', id: null, label: 'ana' } as const;

beforeEach(async () => {
	await db.tenantMigration.deleteMany();
	await db.containerMove.deleteMany();
	await db.tenant.updateMany({ data: { containerId: null } });
	await db.nodeDrain.deleteMany();
	await db.container.deleteMany({ where: { purpose: { not: 'template' } } });
});

async function put(vmid: number, ramMb: number): Promise<string> {
	const { id } = await db.container.create({
		data: {
			...{ clusterId, nodeId: one!.id, vmid, hostname: `erp-${vmid}`, purpose: 'odoo' },
			...{ cpuCores: 1, ramMb, diskGb: 8, status: 'running' }
		}
	});
	return id;
}
const begin = (noticeHours: number) =>
	transaction((tx) => startDrain(tx, one!.id, { reason: 'Discos', noticeHours }, BY));
const movesOf = (drainId: string) =>
	db.containerMove.findMany({ where: { drainId }, orderBy: { position: 'asc' } });

test('a full node is planned some at a time, whoever dies in between', async () => {
	const made: string[] = [];
	for (let i = 0; i < 12; i++) made.push(await put(300 + i, 256 + 64 * i));
	const drain = await begin(6);
	const look = () => advanceDrain(drain.id);
	// The form has written what is wanted, and nothing of each container.
	expect(await movesOf(drain.id)).toEqual([]);
	expect(await countUnplanned(db, drain)).toBe(12);
	expect(await dyingWriting('container_moves', 'new.position = 11', look, 'INSERT')).toBe(true);
	expect(await countUnplanned(db, drain)).toBe(2);
	await look();
	expect(await countUnplanned(db, drain)).toBe(0);
	const planned = await movesOf(drain.id);
	expect(planned.map(({ containerId }) => containerId)).toEqual(made);
	expect(planned.every(({ status }) => status === 'planned')).toBe(true);
	// However often it is asked before its time, it is looked at once then.
	await db.$executeRaw`DELETE FROM pgboss.job WHERE singleton_key = ${drain.id}`;
	for (let asked = 0; asked < 3; asked++) await look();
	const [row] = await db.$queryRaw<{ later: number }[]>`
		SELECT count(*)::int AS later FROM pgboss.job WHERE singleton_key = ${drain.id} AND start_after > now()`;
	expect(row).toEqual({ later: 1 });
});

test('what a drain gives up goes after all when it is back; what staff leave does not', async () => {
	const [leaves, stays] = [await put(321, 2048), await put(322, 1024)];
	// Nothing fits there: what is planned waits.
	await db.node.update({ where: { id: two!.id }, data: { ramTotalMb: 1, ramOvercommit: 1 } });
	const { id: drainId } = await begin(0);
	const lackRoom = async () => (await drainRows(db, [drainId]))[0]!.lackRoom;
	const isOn = (nodeId: string) => db.container.update({ where: { id: leaves }, data: { nodeId } });
	const look = async () => {
		await advanceDrain(drainId);
		return (await movesOf(drainId)).map(({ containerId, status }) => [containerId, status]);
	};
	const both = [
		[leaves, 'planned'],
		[stays, 'planned']
	];
	expect(await look()).toEqual(both);
	expect(await lackRoom()).toBe(2);
	// Its second node took over, for example, and it comes back from there.
	await isOn(two!.id);
	const gone = [[leaves, 'cancelled'], both[1]];
	expect(await look()).toEqual(gone);
	expect((await movesOf(drainId))[0]).toMatchObject({ error: 'given_up' });
	expect(await lackRoom()).toBe(1);
	await isOn(one!.id);
	expect(await look()).toEqual([...gone, [leaves, 'planned']]);
	expect(await lackRoom()).toBe(2);
	const [, kept, back] = await movesOf(drainId);
	await skipDrainMove(drainId, back!.id, BY);
	expect(await look()).toEqual([...gone, [leaves, 'cancelled']]);
	await skipDrainMove(drainId, kept!.id, BY);
	expect(await look()).toHaveLength(3);
	expect(await db.nodeDrain.findUnique({ where: { id: drainId } })).toMatchObject({
		status: 'done'
	});
});

test('what another move has is waited for, and keeps the others from nothing', async () => {
	await db.node.update({ where: { id: two!.id }, data: { ramTotalMb: 1, ramOvercommit: 1 } });
	const [kept, single, free] = [await put(331, 512), await put(332, 512), await put(333, 512)];
	// It came to a container of its own a while ago, and may still go back.
	const { id: tenantId, customerId } = await createUnplacedTenant(db);
	await db.tenant.update({ where: { id: tenantId }, data: { containerId: kept } });
	const { id: migrationId } = await db.tenantMigration.create({
		data: {
			...{ tenantId, customerId, status: 'confirming', fromContainerId: kept, toContainerId: kept },
			...{ fromIsolation: 'shared', toIsolation: 'dedicated', byLabel: 'ana' }
		}
	});
	const notBefore = after(now(), HOUR);
	const alone = await transaction((tx) =>
		planMove(tx, { containerId: single, toNodeId: null, notBefore }, BY)
	);
	const drain = await begin(0);
	const look = async () => {
		await advanceDrain(drain.id);
		return (await movesOf(drain.id)).map(({ containerId }) => containerId);
	};
	expect(await look()).toEqual([free]);
	expect(await countHeld(db, drain)).toBe(2);
	expect(await countUnplanned(db, drain)).toBe(0);
	await skipDrainMove(drain.id, (await movesOf(drain.id))[0]!.id, BY);
	await look();
	// With nothing of its own left to do it is not done.
	const fresh = () => db.nodeDrain.findUniqueOrThrow({ where: { id: drain.id } });
	expect((await fresh()).status).toBe('running');
	await db.tenantMigration.update({ where: { id: migrationId }, data: { status: 'succeeded' } });
	await transaction((tx) => cancelMove(tx, alone.id, BY));
	expect((await look()).toSorted()).toEqual([free, kept, single].toSorted());
	expect(await countHeld(db, drain)).toBe(0);
});
