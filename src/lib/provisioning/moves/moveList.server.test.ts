import { expect, test } from 'vitest';
import {
	createCluster,
	createUnplacedTenant,
	nodeEnrolment
} from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { asCustomer, db } from '#lib/core/db.server.ts';
import type { MoveStatus } from '#prisma/generated/enums.ts';
import { listDrains } from './drains/drainList.server.ts';
import { ownMigrations } from './migrations.server.ts';
import { listMoves, type MoveQuery } from './moveList.server.ts';
import { openMigrations } from './openMigrations.server.ts';

await testDatabase();
const { clusterId } = await createCluster(db, {
	nodes: [nodeEnrolment({ name: 'pve1' }), nodeEnrolment({ name: 'pve2' })]
});
const [one, two] = await db.node.findMany({ where: { clusterId }, orderBy: { name: 'asc' } });
const tenant = await createUnplacedTenant(db, { slug: 'panaderia' });
const drain = await db.nodeDrain.create({
	data: { nodeId: one!.id, reason: 'Discos', byLabel: 'ana', notBefore: new Date('2026-12-01') }
});

async function move(vmid: number, status: MoveStatus, drainId: string | null, position = 0) {
	const container = await db.container.create({
		data: {
			...{ clusterId, nodeId: one!.id, vmid, hostname: `erp-${vmid}`, purpose: 'odoo' },
			...{ cpuCores: 1, ramMb: 1024, diskGb: 8, status: 'running' }
		}
	});
	const { id } = await db.containerMove.create({
		data: {
			...{ containerId: container.id, fromNodeId: one!.id, drainId, position, status },
			...{ toNodeId: status === 'planned' ? null : two!.id, byLabel: 'ana' }
		}
	});
	return { id, containerId: container.id };
}
const first = await move(201, 'succeeded', drain.id, 0);
const second = await move(202, 'planned', drain.id, 1);
const third = await move(210, 'failed', null);
await db.tenantMigration.create({
	data: {
		...{ tenantId: tenant.id, customerId: tenant.customerId, containerMoveId: second.id },
		...{ fromContainerId: second.containerId, fromIsolation: 'dedicated', byLabel: 'ana' },
		...{ toIsolation: 'dedicated', expectedMs: 60_000, notBefore: new Date('2026-12-01') }
	}
});

const all: MoveQuery = {
	...{ q: '', sort: { direction: 'desc' }, filters: {}, page: 1, pageSize: 25, cursor: null }
};
const found = async (changes: Partial<MoveQuery>) =>
	(await listMoves(db, { ...all, ...changes })).rows.map(({ container }) => container.vmid);

test('moves are found by state, node, container, instance, and in the turns of their drain', async () => {
	expect(await found({})).toEqual([210, 202, 201]);
	expect(await found({ filters: { status: 'failed' } })).toEqual([210]);
	expect(await found({ filters: { status: 'nonsense' } })).toEqual([210, 202, 201]);
	expect(await found({ filters: { node: 'pve2' } })).toEqual([210, 201]);
	expect(await found({ filters: { container: third.containerId } })).toEqual([210]);
	expect(await found({ filters: { container: 'nonsense' } })).toEqual([]);
	expect(await found({ q: 'PANADER' })).toEqual([202]);
	expect(await found({ q: '21' })).toEqual([210]);
	expect(await found({ drainId: drain.id })).toEqual([201, 202]);
	const { rows } = await listMoves(db, { ...all, drainId: drain.id });
	expect(rows[1]).toMatchObject({
		...{ from: 'pve1', to: null, notBefore: new Date('2026-12-01') },
		tenants: [{ id: tenant.id, slug: 'panaderia' }]
	});
	expect(first.id).toBe(rows[0]!.id);
});

test('drains are listed with how far they are', async () => {
	const { rows } = await listDrains(db, { ...all, filters: { node: 'pve1', status: 'running' } });
	expect(rows).toMatchObject([{ node: 'pve1', counts: { succeeded: 1, planned: 1 } }]);
	expect((await listDrains(db, { ...all, filters: { node: 'pve2' } })).rows).toEqual([]);
});

test('a customer reads of its own moves when and how long, and nothing of machines or of others', async () => {
	const { customerId } = tenant;
	const userId = crypto.randomUUID();
	const own = await asCustomer({ customerId, userId }, async (tx) => ({
		open: await openMigrations(tx, customerId),
		list: await ownMigrations(tx, { customerId })
	}));
	expect(own.open).toEqual([
		{
			...{ id: expect.any(String), status: 'planned', notBefore: new Date('2026-12-01') },
			...{ expectedMs: 60_000, offAirAt: null, onAirAt: null, tenant: { slug: 'panaderia' } }
		}
	]);
	expect(own.list).toMatchObject([{ tenantId: tenant.id, staff: null }]);
	const stranger = await createUnplacedTenant(db);
	const theirs = await asCustomer({ customerId: stranger.customerId, userId }, (tx) =>
		openMigrations(tx, customerId)
	);
	expect(theirs).toEqual([]);
});
