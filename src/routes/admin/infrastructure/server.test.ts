import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { act } from '../../../../tests/access/act.ts';
import { entriesOf } from '../../../../tests/access/entries.ts';
import { readSources } from '../../../../tests/architecture/source.ts';
import { createStaff, sessionFor } from '../../../../tests/factories/identity.ts';
import { createCluster, nodeEnrolment } from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const entries = readSources(root, [
	'src/routes/admin/infrastructure/containers',
	'src/routes/admin/infrastructure/nodes'
]).flatMap(entriesOf);
const { cookie } = await sessionFor({ id: (await createStaff('administrator')).id });
const BASE = '/admin/infrastructure';

function ask(routeId: string, id: string, member = 'GET') {
	const entry = entries.find(
		({ file, ...one }) =>
			one.routeId === routeId && one.member === member && !file.includes('+layout')
	);
	if (!entry) throw new Error(`${routeId} has no ${member}`);
	return act(entry, { params: { id }, cookie });
}

const { clusterId } = await createCluster(db, { nodes: [nodeEnrolment({ name: 'pve1' })] });
const node = await db.node.findFirstOrThrow();
const container = await db.container.create({
	data: {
		...{ clusterId, nodeId: node.id, vmid: 301, hostname: 'erp-301', purpose: 'odoo' },
		...{ status: 'deleted', deletedAt: now(), cpuCores: 1, ramMb: 2048, diskGb: 10 }
	}
});
await db.containerAct.create({
	data: {
		...{ containerId: container.id, act: 'stop', status: 'succeeded', byLabel: 'ana' },
		...{ taskUpid: 'UPID:pve1:0:0:0:vzstop:301:x:', finishedAt: now() }
	}
});
await db.nodeCredential.deleteMany();
await db.node.update({ where: { id: node.id }, data: { removedAt: now() } });

it('shows a deleted container whose node was taken out for good, without room and without asking that node', async () => {
	const page = await ask(`${BASE}/containers/[id]`, container.id, 'load');
	expect(page).toMatchObject({ status: 200, data: { room: null } });
	expect(await Reflect.get(page.data, 'log')).toBeNull();
});

it('hands out the figures of what there is, and says so of what there is not', async () => {
	for (const [route, id] of [
		['containers', container.id],
		['nodes', node.id]
	] as const) {
		const csv = (of: string) => ask(`${BASE}/${route}/[id]/metrics.csv`, of);
		expect((await csv(id)).status).toBe(200);
		for (const nothing of [randomUUID(), 'nonsense']) expect((await csv(nothing)).status).toBe(404);
	}
});
