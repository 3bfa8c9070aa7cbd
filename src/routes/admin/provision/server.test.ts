import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { act } from '../../../../tests/access/act.ts';
import { entriesOf } from '../../../../tests/access/entries.ts';
import { readSources } from '../../../../tests/architecture/source.ts';
import { createStaff, sessionFor } from '../../../../tests/factories/identity.ts';
import {
	createCluster,
	createUnplacedTenant,
	nodeEnrolment
} from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import '#lib/jobs/registry.server.ts';
import { wakeWaiting } from '#lib/provisioning/tenants.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';

await testDatabase();
await testQueue({ work: false });

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const entries = readSources(root, [
	...['src/routes/admin/provision', 'src/routes/api/provision'],
	'src/routes/admin/infrastructure/nodes'
]).flatMap(entriesOf);
const { cookie } = await sessionFor({ id: (await createStaff('administrator')).id });

function ask(
	routeId: string,
	member: string,
	sent: { fields?: Record<string, string>; search?: string; params?: Record<string, string> } = {}
) {
	const entry = entries.find((one) => one.routeId === routeId && one.member === member);
	if (!entry) throw new Error(`${routeId} has no ${member}`);
	return act(entry, { params: {}, cookie, ...sent });
}

const capacity = { cpuCores: 16, ramMb: 16_384, diskGb: 1000 };
const { clusterId } = await createCluster(db, {
	nodes: ['pve1', 'pve2'].map((name) => nodeEnrolment({ name, capacity }))
});
const [one, two] = await db.node.findMany({ orderBy: { name: 'asc' } });

async function aContainer(vmid: number, data: Partial<Prisma.ContainerUncheckedCreateInput> = {}) {
	return db.container.create({
		data: {
			...{ clusterId, nodeId: one!.id, vmid, hostname: `erp-${vmid}`, purpose: 'odoo' },
			...{ status: 'running', cpuCores: 1, ramMb: 2048, diskGb: 10, ...data }
		}
	});
}

// The first node has 2 GB left with its template, the other one 3 GB; Pro asks for 4 GB.
await aContainer(301, { haNodeId: two!.id });
await aContainer(302, { moveToNodeId: two!.id });
const busy = await aContainer(303, { taskUpid: 'UPID:pve1:…' });
await aContainer(304, { status: 'stopped' });
const way = await aContainer(305);
await aContainer(306, { adopted: true });
await aContainer(307, { nodeId: two!.id, ramMb: 9216, retiring: true });
const { id: tenantId } = await createUnplacedTenant(db, { slug: 'bravo' });
await db.tenant.update({
	where: { id: tenantId },
	data: { status: 'active', containerId: way.id }
});
const full = (reply: { body: { data?: Record<string, unknown> } }) => reply.body.data;
const capacityOf = (plan: string) =>
	ask('/api/provision/check-capacity', 'GET', { search: `?plan=${plan}` });

it('room is made by what may be moved now, and by nothing else', async () => {
	expect(full(await capacityOf('pro'))).toMatchObject({
		fits: false,
		ways_out: {
			moves: {
				node: { name: 'pve1' },
				moves: [
					{ container: { id: way.id, vmid: 305 }, from: { name: 'pve1' }, to: { name: 'pve2' } }
				]
			},
			expansions: [
				{
					node: { name: 'pve2' },
					lacks: [{ resource: 'ram_mb', missing: 1024, overcommit: 1.07 }],
					max_containers: null
				},
				{ node: { name: 'pve1' }, lacks: [{ resource: 'ram_mb', missing: 2048, overcommit: 1.13 }] }
			]
		},
		queue: { waiting: 0, waited: null }
	});
});

it('the moves begin in their order; what is refused is said, and asking twice moves once', async () => {
	const moves = [way.id, busy.id, randomUUID()].map((id) => `${id}:${two!.id}`);
	const make = (fields: Record<string, string>) =>
		ask('/admin/provision', 'actions.make_room', { fields });
	expect((await make({ plan: 'Pro', moves: 'todo' })).data.errors).toHaveProperty(['moves.0']);
	const first = await make({ plan: 'Pro', moves: moves.join(',') });
	expect(first.data).toMatchObject({
		roomMoves: [
			{ container: { vmid: 305 }, moveId: expect.any(String), waits: false, refusal: null },
			{ container: { vmid: 303 }, moveId: null, refusal: expect.stringContaining('otra tarea') },
			{ container: null, moveId: null, refusal: expect.any(String) }
		]
	});
	const again = await make({ plan: 'Pro', moves: moves[0]! });
	expect(again.data).toMatchObject({ roomMoves: [{ moveId: null }] });
	expect(await db.containerMove.findMany()).toMatchObject([
		{ containerId: way.id, status: 'running', toNodeId: two!.id, reason: 'Hacer lugar para Pro' }
	]);
	const noted = await db.auditEntry.count({ where: { action: 'infrastructure.move-container' } });
	expect(noted).toBe(1);
	// It holds its room on both nodes until it has arrived: nothing more is promised of it.
	expect(full(await capacityOf('pro'))).toMatchObject({ fits: false, ways_out: { moves: null } });
	expect((await ask('/admin/provision', 'load')).data).toMatchObject({ moving: 2 });
});

it('the limits of a node are filled in by whoever leads there, and nothing else is', async () => {
	const { data } = await ask('/admin/infrastructure/nodes/[id]/access', 'load', {
		params: { id: one!.id },
		search: '?ram_overcommit=1.13&max_containers=51&api_url=https://evil.example&cpu_overcommit=x'
	});
	expect(data).toHaveProperty('suggested', { ram_overcommit: '1.13', max_containers: '51' });
});

it('room wakes the first of each kind of place, however many wait for another', async () => {
	const runs: Record<string, string> = {};
	for (const [name, isolation] of [
		['uno', 'shared'],
		['dos', 'shared'],
		['tres', 'dedicated']
	] as const) {
		const { id: subjectId } = await createUnplacedTenant(db, { slug: name, isolation });
		const queuedAt = new Date(Date.now() + Object.keys(runs).length * 1000);
		await db.tenant.update({
			where: { id: subjectId },
			data: { status: 'waiting_capacity', queuedAt }
		});
		const run = { saga: 'tenants.create', subjectId, status: 'waiting', state: {} } as const;
		runs[name] = (await db.provisioningJob.create({ data: run })).id;
	}
	await transaction((tx) => wakeWaiting(tx));
	const woken = await db.$queryRaw<{ key: string }[]>`
		SELECT singleton_key AS key FROM pgboss.job WHERE name = 'sagas.run' AND singleton_key = ANY(${Object.values(runs)})
		ORDER BY created_on, id`;
	expect(new Set(woken.map(({ key }) => key))).toEqual(new Set([runs.uno, runs.tres]));
	// The page says of each its turn for its kind, and what waits for the plan's own.
	const { data } = await ask('/admin/provision', 'load');
	expect(data).toMatchObject({
		queue: {
			rows: [
				{ slug: 'uno', position: 1, isolation: 'shared' },
				{ slug: 'dos', position: 2 },
				{ slug: 'tres', position: 1, isolation: 'dedicated' }
			]
		}
	});
	expect(full(await capacityOf('pro'))).toMatchObject({ queue: { waiting: 1 } });
});
