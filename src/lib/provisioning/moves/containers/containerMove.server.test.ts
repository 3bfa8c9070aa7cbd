import { expect, it, vi } from 'vitest';
import { after, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { AppError } from '#lib/core/errors.ts';
import { askForAct } from '#lib/infrastructure/containers/acts.server.ts';
import { nodeFigures } from '#lib/infrastructure/nodes/figures.server.ts';
import { BY } from '../../../../../tests/setup/containerActs.ts';
import { testMoves } from '../../../../../tests/setup/moving.ts';
import { eventually } from '../../../../../tests/setup/queue.ts';
import { haOf } from '../../../../sandbox/proxmox/ha.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { reactivate, requestDeletion, suspend } from '../../tenants.server.ts';
import { beginPlanned, purgeMoves } from './moveJobs.server.ts';
import { moveRows } from '../moveList.server.ts';
import { cancelMove, mayCancel } from './moveCancel.server.ts';
import { migrationsOfMove } from './moveMigrations.server.ts';
import { confirmMove, retryMove } from './moves.server.ts';

vi.setConfig({ testTimeout: 120_000 });
const { platform, pve, settled, until, elsewhere, ask, ended, expectWhole } = await testMoves(3);
const { sandbox } = platform;

it('takes a container with all its instances along, and measures how long they were away', async () => {
	const tenants = await settled('basic', 'uno', 'dos', 'tres');
	const { containerId } = tenants[0]!;
	expect(tenants.map((one) => one.containerId)).toEqual(tenants.map(() => containerId));
	await transaction(async (tx) =>
		suspend(tx, await tx.tenant.findFirstOrThrow({ where: { slug: 'tres' } }), {
			...{ reason: 'abuse', by: BY }
		})
	);
	const to = await elsewhere(containerId!);
	// Each node keeps its own backups: that of the one where it was is seen from nowhere else.
	const backups = pve.state.storages.find(({ storage }) => storage === 'nfs-backup')!;
	backups.shared = false;
	const before = await db.container.findUniqueOrThrow({ where: { id: containerId! } });
	const figures = async (id: string) => (await nodeFigures(db, [id]))[0]!;
	const had = await figures(to.id);
	// Seen in the middle: the notice page, and the room on both nodes.
	const seen = { page: '', committed: 0, act: '' };
	sandbox.kernel.faults.add({
		...{ target: 'proxmox', kind: 'delay', match: '^TASK vzmigrate', ms: 1_500 },
		onTaken: () =>
			void (async () => {
				seen.committed = (await figures(to.id)).committed.ramMb - had.committed.ramMb;
				seen.act = await transaction((tx) =>
					askForAct(tx, containerId!, { act: 'start' }, BY)
				).then(
					() => 'taken',
					(error: Error) => error.message
				);
				seen.page = (await platform.open('uno.sajet.us', '/web/login')).body;
			})()
	});
	const asked = await ask(containerId!, to.id, { reason: 'Mantenimiento' });
	expect(asked).toMatchObject({ status: 'running', fromNodeId: before.nodeId, toNodeId: to.id });
	const move = await ended(asked.id);
	expect(move).toMatchObject({ status: 'confirming', error: null });
	expect(seen).toMatchObject({ committed: before.ramMb, act: expect.stringContaining('moving') });
	expect(seen.page).toContain('Volvemos enseguida');
	expect(await db.container.findUniqueOrThrow({ where: { id: containerId! } })).toMatchObject({
		nodeId: to.id
	});
	await expectWhole(containerId!);

	const downtime = move.onAirAt!.getTime() - move.offAirAt!.getTime();
	expect(downtime).toBeGreaterThan(1_000);
	const away = await platform.open('tres.sajet.us', '/web/login');
	expect(away.status).toBe(503);
	for (const { tenantId, status, offAirAt, onAirAt } of move.migrations) {
		const tenant = await db.tenant.findUniqueOrThrow({ where: { id: tenantId } });
		expect([tenant.status, status]).toEqual([
			tenant.slug === 'tres' ? 'suspended' : 'active',
			'succeeded'
		]);
		expect(offAirAt === null).toBe(tenant.slug === 'tres');
		const outages = await db.tenantOutage.findMany({ where: { tenantId } });
		expect(outages.map(({ planned, startedAt, endedAt }) => [planned, startedAt, endedAt])).toEqual(
			offAirAt ? [[true, offAirAt, onAirAt]] : []
		);
		const mails = await db.emailMessage.count({
			where: { customerId: tenant.customerId, template: 'moved' }
		});
		expect(mails).toBe(offAirAt ? 1 : 0);
	}
	// What it was just before is kept, until somebody says that it need not be.
	const archives = () => pve.state.backups.map(({ volid }) => volid);
	expect(archives()).toContain(move.archive);
	expect(move.keepUntil!.getTime()).toBeGreaterThan(Date.now() + 3_600_000);
	await transaction((tx) => confirmMove(tx, move.id, BY));
	await eventually(async () => (await ended(move.id)).status === 'succeeded');
	expect(archives()).not.toContain(move.archive);
	backups.shared = true;
});

const refusalOf = (move: Promise<unknown>) =>
	move.then(
		() => 'taken',
		(error: AppError) => `${error.code} ${error.message}`
	);

it('is refused while somebody is at it, and where it cannot go', async () => {
	const [tenant] = await settled('pro', 'solo');
	const id = tenant!.containerId!;
	const to = await elsewhere(id);
	const { nodeId } = tenant!.container!;
	const change = (data: Prisma.ContainerUncheckedUpdateInput) =>
		db.container.update({ where: { id }, data });
	const not: Prisma.ContainerUncheckedUpdateInput[] = [
		{ adopted: true },
		{ purpose: 'postgres' },
		{ purpose: 'template' },
		{ retiring: true },
		{ status: 'stopped' },
		{ taskUpid: 'UPID:pve1:…' }
	];
	const reasons: string[] = [];
	for (const data of not) {
		await change(data);
		reasons.push(await refusalOf(ask(id, to.id)));
		await change({
			adopted: false,
			purpose: 'odoo',
			retiring: false,
			status: 'running',
			taskUpid: null
		});
	}
	expect(reasons).toEqual(
		['adopted', 'postgres', 'template', 'retiring', 'not_running', 'busy'].map(
			(reason) => `MOVE_REFUSED ${reason}`
		)
	);
	expect(await refusalOf(ask(id, nodeId))).toBe('MOVE_REFUSED same_node');
	await db.node.update({ where: { id: to.id }, data: { maxContainers: 0 } });
	expect(await refusalOf(ask(id, to.id))).toBe('MOVE_REFUSED no_room');
	await db.node.update({ where: { id: to.id }, data: { maxContainers: 2000 } });
	const { customerId } = tenant!;
	const backup = await db.backup.create({
		data: { tenantId: tenant!.id, customerId, kind: 'container', reason: 'manual', containerId: id }
	});
	expect(await refusalOf(ask(id, to.id))).toBe('MOVE_REFUSED busy');
	await db.backup.delete({ where: { id: backup.id } });
	await db.node.update({ where: { id: nodeId }, data: { status: 'offline' } });
	expect(await refusalOf(ask(id, to.id))).toBe('MOVE_REFUSED offline');
	await db.node.update({ where: { id: nodeId }, data: { status: 'online' } });
	// Nothing of all that left anything behind.
	expect(await db.containerMove.count({ where: { containerId: id } })).toBe(0);
	await expectWhole(id);
});

it('is done once when it is asked for twice at once, to the best node where none is named, and back', async () => {
	const { containerId, container } = await until('solo', 'active');
	const both = await Promise.allSettled([ask(containerId!, null), ask(containerId!, null)]);
	expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
	const move = await ended(both.find((one) => one.status === 'fulfilled')!.value.id);
	expect(move.status).toBe('confirming');
	await expectWhole(containerId!);
	// Its estimate is what was learnt, no guess any more.
	const back = await ask(containerId!, container!.nodeId);
	expect(back.expectedMs).toBeLessThan(60_000);
	expect((await ended(back.id)).status).toBe('confirming');
	expect((await until('solo', 'active')).container!.nodeId).toBe(container!.nodeId);
	await expectWhole(containerId!);
});

it('turns back when it is given up before the switch, and what was paid meanwhile is so afterwards', async () => {
	const { containerId, container } = await until('uno', 'active');
	const to = await elsewhere(containerId!);
	sandbox.kernel.faults.add({
		...{ target: 'proxmox', kind: 'delay', match: '^TASK vzmigrate', ms: 2_500 },
		onTaken: () =>
			void transaction(async (tx) => {
				const move = await tx.containerMove.findFirstOrThrow({ where: { status: 'running' } });
				await cancelMove(tx, move.id, BY);
				await reactivate(tx, await tx.tenant.findFirstOrThrow({ where: { slug: 'tres' } }), {
					by: BY
				});
			})
	});
	const asked = await ask(containerId!, to.id);
	const move = await ended(asked.id);
	expect(move).toMatchObject({ status: 'cancelled', error: 'cancelled' });
	expect((await until('tres', 'active')).container!.nodeId).toBe(container!.nodeId);
	await expectWhole(containerId!);
	// Those who were off the air for nothing are told: the third was suspended, and nobody noticed.
	expect(await db.notification.count({ where: { kind: 'tenant_move_turned_back' } })).toBe(2);
	const again = await transaction((tx) => retryMove(tx, asked.id, BY));
	expect(await ended(again.id)).toMatchObject({ status: 'confirming' });
	await expectWhole(containerId!);
	// Each run has rows of its own, and the last one is what is shown.
	const [shown] = await moveRows(db, [again.id]);
	const names = ['dos', 'tres', 'uno'];
	expect(shown!.tenants.map(({ slug }) => slug)).toEqual(names);
	const its = await migrationsOfMove(db, shown!);
	expect(its.map(({ tenant, status }) => [tenant.slug, status])).toEqual(
		names.map((slug) => [slug, 'succeeded'])
	);
	expect(await mayCancel(db, shown!)).toBe(false);
});

it('lets go of what is kept over another node where its storage is shared, and says what nobody reaches', async () => {
	const { containerId, container } = await until('solo', 'active');
	const from = await db.node.findUniqueOrThrow({ where: { id: container!.nodeId } });
	const to = await elsewhere(containerId!);
	const { archive, ...move } = await ended((await ask(containerId!, to.id)).id);
	const archives = () => pve.state.backups.map(({ volid }) => volid);
	const isOver = { keepUntil: now() };
	const purged = async () => {
		await db.containerMove.update({ where: { id: move.id }, data: isOver });
		await purgeMoves();
		return db.containerMove.findUniqueOrThrow({ where: { id: move.id } });
	};
	expect(move).toMatchObject({ status: 'confirming', archiveNodeId: from.id });
	// Its node is no longer ours, and nobody else sees what it kept for itself.
	const gone = (removedAt: Date | null) =>
		db.node.update({ where: { id: from.id }, data: { removedAt } });
	const share = (shared: boolean) =>
		db.nodeStorage.updateMany({ where: { storage: 'nfs-backup' }, data: { shared } });
	await share(false);
	await gone(now());
	expect(await purged()).toMatchObject({ status: 'succeeded', archive, keepUntil: null });
	expect(archives()).toContain(archive);
	await share(true);
	expect(await purged()).toMatchObject({ archive: null });
	expect(archives()).not.toContain(archive);
	await gone(null);
});

it('begins at the time that customers were told, and a planned one can be given up', async () => {
	const { containerId, customerId } = await until('solo', 'active');
	const notBefore = after(now(), 3_600_000);
	const planned = await ask(containerId!, null, { notBefore });
	expect(planned).toMatchObject({ status: 'planned', jobId: null });
	const mail = await db.emailMessage.findFirstOrThrow({
		where: { customerId, template: 'move_planned' }
	});
	expect(mail.data).toMatchObject({ subdomain: 'solo' });
	expect((await db.container.findUniqueOrThrow({ where: { id: containerId! } })).moveToNodeId).toBe(
		null
	);
	expect(await mayCancel(db, planned)).toBe(true);
	await transaction((tx) => cancelMove(tx, planned.id, BY));
	await beginPlanned(planned.id);
	const move = await db.containerMove.findUniqueOrThrow({
		where: { id: planned.id },
		include: { migrations: true }
	});
	expect([move.status, ...move.migrations.map(({ status }) => status)]).toEqual([
		'cancelled',
		'cancelled'
	]);
	const other = await ask(containerId!, null, { notBefore });
	await beginPlanned(other.id);
	expect((await ended(other.id)).status).toBe('confirming');
	await expectWhole(containerId!);
});

it('leaves one whose days of grace are running to its deletion, which waits for the move', async () => {
	const [tenant] = await settled('pro', 'adios');
	await transaction(async (tx) =>
		requestDeletion(tx, await tx.tenant.findUniqueOrThrow({ where: { id: tenant!.id } }), {
			by: BY
		})
	);
	await eventually(
		() => db.provisioningJob.findFirst({ where: { subjectId: tenant!.id, reason: 'grace' } }),
		30
	);
	const to = await elsewhere(tenant!.containerId!);
	const move = await ended((await ask(tenant!.containerId!, to.id)).id);
	expect(move).toMatchObject({ status: 'confirming', offAirAt: null, migrations: [] });
	expect((await until('adios', 'deleting')).container!.nodeId).toBe(to.id);
});

it('is taken by the manager of high availability to the second node alone, and the two change places', async () => {
	const { containerId, container } = await until('solo', 'active');
	const id = containerId!;
	const { vmid, nodeId } = container!;
	const second = await elsewhere(id);
	const third = await db.node.findFirstOrThrow({ where: { id: { notIn: [nodeId, second.id] } } });
	await db.container.update({ where: { id }, data: { haNodeId: second.id } });
	const { resources } = haOf(pve).state;
	resources.push({
		...{ sid: `ct:${vmid}`, state: 'started', crm: 'started', failback: false },
		...{ max_restart: 1, max_relocate: 1 }
	});
	expect(await refusalOf(ask(id, third.id))).toBe('MOVE_REFUSED ha');
	const move = await ended((await ask(id, null)).id);
	expect(move).toMatchObject({ status: 'confirming', toNodeId: second.id });
	expect(await db.container.findUniqueOrThrow({ where: { id } })).toMatchObject({
		...{ nodeId: second.id, haNodeId: nodeId }
	});
	expect(pve.state.tasks.map(({ type }) => type)).toContain('hamigrate');
	await expectWhole(id);
	haOf(pve).forget(vmid);
	await db.container.update({ where: { id }, data: { haNodeId: null } });
});
