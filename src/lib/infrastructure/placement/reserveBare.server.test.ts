import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { aNode } from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { reserveBare } from './reserveBare.server.ts';
import { clusterRooms } from './rooms.server.ts';

await testDatabase();
const image = 'local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst';
let node_id: string;

beforeEach(async () => ({ id: node_id } = await aNode(db)));

function reserve(changes: object = {}) {
	const size = { cpu_cores: 2, ram_mb: 2048, disk_gb: 10 };
	const purpose = { purpose: 'template', hostname: (vmid: number) => `tpl-${vmid}` } as const;
	return transaction((tx) => reserveBare(tx, { node_id, image, ...size, ...changes }, purpose));
}

it('takes the place of the very first template of a cluster', async () => {
	const { clusterId } = await db.node.findUniqueOrThrow({ where: { id: node_id } });
	await db.template.deleteMany({ where: { clusterId } });
	await db.container.deleteMany({ where: { clusterId } });
	const { id, vmid } = await reserve();
	await db.template.create({
		data: { clusterId, containerId: id, odooVersion: '18.0', byLabel: 'ana@jeturing.com' }
	});
	// Nothing can be copied from what is being built.
	expect((await clusterRooms(db, new Map())).get(clusterId)).toMatchObject({ hasTemplate: false });
	expect(
		await db.container.findUniqueOrThrow({ where: { id }, include: { address: true } })
	).toMatchObject({
		...{ clusterId, nodeId: node_id, hostname: `tpl-${vmid}`, ramMb: 2048 },
		address: { address: expect.stringMatching(/^10\./) }
	});
});

it('needs no server of databases where the current template has none inside', async () => {
	const { clusterId } = await db.node.findUniqueOrThrow({ where: { id: node_id } });
	await db.template.updateMany({ where: { clusterId }, data: { kind: 'odoo_only' } });
	expect((await reserve()).nodeId).toBe(node_id);
});

it('says every reason why the node cannot take it, and takes nothing', async () => {
	const { clusterId, name } = await db.node.findUniqueOrThrow({ where: { id: node_id } });
	const count = await db.container.count({ where: { clusterId } });
	await db.node.update({ where: { id: node_id }, data: { status: 'maintenance' } });
	await expect(reserve({ ram_mb: 262_144 })).rejects.toMatchObject({
		code: 'BAD_INPUT',
		fields: {
			node_id: expect.stringMatching(`^${name} .*Está en mantenimiento\\. Pide 256 GB de RAM`)
		}
	});
	expect(await db.container.count({ where: { clusterId } })).toBe(count);
	await expect(reserve({ node_id: randomUUID() })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
