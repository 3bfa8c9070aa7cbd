import { afterAll, describe, expect, it, vi } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { runSaga } from '#lib/core/sagaRunner.server.ts';
import { checkNodes } from '#lib/infrastructure/nodes/nodes.server.ts';
import { BY } from '../../../../../tests/setup/containerActs.ts';
import { testMoves } from '../../../../../tests/setup/moving.ts';
import { eventually } from '../../../../../tests/setup/queue.ts';
import {
	ERROR,
	FOREVER,
	MIGRATE,
	MOVE_FAULTS,
	type Fault,
	type MoveFault
} from '../../../../../tests/setup/moveFaults.ts';
import { patience as publishPatience } from '../../publishStep.server.ts';
import { airPatience } from '../airBreak.server.ts';
import { containerMoveSaga } from './containerMove.server.ts';
import { movePatience } from './containerMoveState.server.ts';
import { retryMove } from './moves.server.ts';

vi.setConfig({ testTimeout: 300_000 });
const { platform, pve, settled, elsewhere, ask, ended, expectWhole } = await testMoves(1);
const { faults } = platform.sandbox.kernel;
airPatience.edgeMs = 8_000;
movePatience.odooMs = 4_000;
const began = Date.now();

interface Running extends MoveFault {
	name: string;
	slug: string;
	containerId: string;
	vmid: number;
	moveId: string;
	struck: number;
	armed: string[];
}

/** Faults that last are over when the run is turned back. */
function watchUndoing(rows: Running[]): void {
	const { onCompensating } = containerMoveSaga;
	containerMoveSaga.onCompensating = async (tx, run, reason) => {
		const row = rows.find(({ moveId }) => moveId === run.state.moveId);
		if (row?.lasts === 'until undone') for (const id of row.armed.splice(0)) faults.clear(id);
		if (row?.end === 'failed') add(row, MIGRATE, { ...ERROR, times: FOREVER }, 'proxmox');
		await onCompensating?.(tx, run, reason);
	};
}

function add(row: Running, match: string, fault: Fault, target = row.target): void {
	const host = `${row.slug}.sajet.us`;
	const byBody = /vzdump$/.test(match);
	const added = faults.add({
		...{ ...fault, target, match: match.replaceAll('ID', String(row.vmid)) },
		...(fault.body === 'SHOWN' && {
			body: `<form><input name="login"><input name="db" value="${row.slug}"></form>`
		}),
		only: (line, context) => {
			if (target === 'edge') return context.includes(host) && away(row);
			return byBody ? context.includes(`vmid=${row.vmid}`) : /ID/.test(match);
		},
		onTaken: () => {
			row.struck += 1;
			if (row.dies) void takeOver(row.moveId);
		}
	});
	row.armed.push(added.id);
}

/** The edge fails when the visitors' page is to be seen, or, after the switch, the instance. */
const onAir = new Set<string>();
function away({ slug, call }: Running): boolean {
	return call.startsWith('onair') ? onAir.has(slug) : true;
}

async function takeOver(moveId: string): Promise<void> {
	const { jobId } = await db.containerMove.findUniqueOrThrow({ where: { id: moveId } });
	await runSaga(jobId!, new AbortController().signal);
}

afterAll(() => {
	const seconds = Math.round((Date.now() - began) / 1000);
	process.stdout.write(`${MOVE_FAULTS.length} faults of moves in ${seconds} s\n`);
});

describe('whatever fails while a container is moved', async () => {
	const slugs = MOVE_FAULTS.map((_, i) => `mueve-${i}`);
	const tenants = await settled('pro', ...slugs);
	const rows = MOVE_FAULTS.map((one, i): Running => ({
		...{ ...one, name: `${one.call} · ${one.what}`, slug: slugs[i]!, struck: 0, armed: [] },
		...{ containerId: tenants[i]!.containerId!, vmid: tenants[i]!.container!.vmid, moveId: '' }
	}));
	watchUndoing(rows);
	const { onStepDone } = containerMoveSaga;
	containerMoveSaga.onStepDone = async (tx, run, step) => {
		const row = rows.find(({ moveId }) => moveId === run.state.moveId);
		if (row && step === 'ingress') onAir.add(row.slug);
		await onStepDone?.(tx, run, step);
	};
	for (const row of rows) {
		add(row, row.match, row.fault);
		const to = await elsewhere(row.containerId);
		row.moveId = (await ask(row.containerId, to.id)).id;
	}

	it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
		const move = await ended(row.moveId, 200);
		expect([move.status, row.struck > 0, move.error === null]).toEqual([
			...[row.end, true, row.end === 'confirming']
		]);
		const { nodeId } = await db.container.findUniqueOrThrow({ where: { id: row.containerId } });
		const alert = { rule: 'provisioning.move-failed', subjectId: row.containerId, closedAt: null };
		if (row.end === 'failed') expect(await db.alert.count({ where: alert })).toBe(1);
		if (row.end === 'rolled_back') {
			expect(nodeId).toBe(move.fromNodeId);
			expect(move.migrations.map(({ status }) => status)).toEqual(['rolled_back']);
			const told = { kind: 'provisioning.move-failed', dedupeKey: `move-back:${move.jobId}` };
			expect(await db.notification.count({ where: told })).toBe(1);
			const { customerId, offAirAt } = move.migrations[0]!;
			const back = { kind: 'tenant_move_turned_back', customerId };
			expect(await db.notification.count({ where: back })).toBe(offAirAt ? 1 : 0);
		} else expect(nodeId).toBe(move.toNodeId);
		for (const id of row.armed.splice(0)) faults.clear(id);
		if (row.lasts === 'for good') {
			// However long staff need: that is no planned outage any more.
			const { tenantId } = move.migrations[0]!;
			const orderBy = { startedAt: 'asc' } as const;
			expect(await db.tenantOutage.findMany({ where: { tenantId }, orderBy })).toMatchObject([
				{ planned: true, endedAt: expect.any(Date) },
				{ planned: false, seen: 'move_failed' }
			]);
			await transaction((tx) => retryMove(tx, row.moveId, BY));
			expect((await ended(row.moveId)).status).toBe('confirming');
			expect(await db.alert.count({ where: alert })).toBe(0);
		}
		await expectWhole(row.containerId);
	});
});

/** One more instance, for what touches a whole node: those above are over by then. */
const last = { containerId: '', vmid: 0 };
const guest = () => pve.state.containers[last.vmid]!;
const errorOf = (id: string) =>
	db.containerMove.findUniqueOrThrow({ where: { id } }).then(({ error }) => error ?? '');

it('says what stands against it before anybody is taken off the air', async () => {
	const [tenant] = await settled('pro', 'ultimo');
	Object.assign(last, { containerId: tenant!.containerId!, vmid: tenant!.container!.vmid });
	const to = await elsewhere(last.containerId);
	const target = pve.state.nodes.find(({ name }) => name === to.name)!;
	const mine = structuredClone(guest().config);
	const storage = pve.state.storages.find((one) => one.storage === 'local-zfs')!;
	const whole = storage.totalBytes;
	const against: [string, () => void][] = [
		['not_ours', () => void (guest().config.description = 'somebody else’s')],
		['clock', () => void (target.clockAheadS = 300)],
		['older', () => void (target.version = '8.4.1')],
		[
			'storage_full',
			() => {
				guest().config.rootfs = String(mine.rootfs).replace(/^[^:]+/, 'local-zfs');
				storage.totalBytes = 1024 ** 3;
			}
		],
		['bridge_missing', () => void (guest().config.net0 = 'name=eth0,bridge=vmbr77')],
		[
			'not_allowed',
			() => {
				for (const { id } of pve.state.tokens)
					pve.state.acl.push({
						...{ ugid: id, path: `/vms/${last.vmid}`, role: 'PVEVMUser', propagate: true }
					});
			}
		]
	];
	const found: string[] = [];
	for (const [, arrange] of against) {
		arrange();
		const move = await ended((await ask(last.containerId, to.id)).id);
		expect([move.status, move.offAirAt, move.archive]).toEqual(['rolled_back', null, null]);
		found.push(move.error!.split(':')[0]!);
		guest().config = structuredClone(mine);
		delete target.version;
		target.clockAheadS = 0;
		storage.totalBytes = whole;
		pve.state.acl = pve.state.acl.filter(({ path }) => path !== `/vms/${last.vmid}`);
	}
	expect(found).toEqual(against.map(([code]) => code));
	await expectWhole(last.containerId);
});

it('turns back when the rules of the tunnel cannot be written', async () => {
	publishPatience.ingressMs = publishPatience.usualMs = 3_000;
	const { id: fault } = faults.add({
		...{ target: 'cloudflare', match: '^PUT .*/configurations', kind: 'status', status: 500 },
		times: FOREVER
	});
	const { onCompensating } = containerMoveSaga;
	containerMoveSaga.onCompensating = async (tx, run, reason) => {
		faults.clear(fault);
		publishPatience.ingressMs = 60_000;
		await onCompensating?.(tx, run, reason);
	};
	const to = await elsewhere(last.containerId);
	expect((await ended((await ask(last.containerId, to.id)).id)).status).toBe('rolled_back');
	containerMoveSaga.onCompensating = onCompensating!;
	await expectWhole(last.containerId);
});

it('waits with an alert for a container that is nowhere, and makes no second one', async () => {
	const to = await elsewhere(last.containerId);
	const kept = guest();
	faults.add({
		...{ target: 'proxmox', match: `^POST .*/lxc/${last.vmid}/migrate$`, kind: 'delay', ms: 10 },
		onTaken: () => void delete pve.state.containers[last.vmid]
	});
	const { id } = await ask(last.containerId, to.id);
	const alert = { rule: 'provisioning.move-failed', subjectId: last.containerId, closedAt: null };
	await eventually(() => db.alert.findFirst({ where: alert }), 60);
	expect(await errorOf(id)).toBe('gone');
	expect(pve.state.containers[last.vmid]).toBeUndefined();
	pve.state.containers[last.vmid] = kept;
	const { jobId } = await db.containerMove.findUniqueOrThrow({ where: { id } });
	await transaction((tx) => wakeSaga(tx, jobId!));
	expect((await ended(id)).status).toBe('confirming');
	expect(await db.alert.count({ where: alert })).toBe(0);
	await expectWhole(last.containerId);
});

it.each(['the one that it leaves', 'the one that it goes to'])(
	'comes back home when a node dies in the middle: %s',
	async (which) => {
		const { nodeId } = await db.container.findUniqueOrThrow({ where: { id: last.containerId } });
		const home = await db.node.findUniqueOrThrow({ where: { id: nodeId } });
		const to = await elsewhere(last.containerId);
		const dying = which === 'the one that it leaves' ? home.name : to.name;
		// Taken in the middle: it is locked and stopped by then.
		const work = platform.sandbox.kernel.work.bind(platform.sandbox.kernel);
		platform.sandbox.kernel.work = async (vendor, ms, signal) => {
			if (guest().config.lock === 'migrate' && pve.state.nodes.every(({ online }) => online)) {
				pve.setOnline(dying, false);
				platform.sandbox.kernel.work = work;
			}
			signal?.throwIfAborted();
			await work(vendor, ms, signal);
		};
		const { id } = await ask(last.containerId, to.id);
		if (dying === home.name)
			await eventually(async () => (await errorOf(id)) === 'node_offline', 60);
		else await eventually(async () => pve.state.nodes.some(({ online }) => !online), 60);
		pve.setOnline(dying, true);
		await checkNodes();
		const move = await ended(id);
		expect([move.status, move.onAirAt !== null]).toEqual(['rolled_back', true]);
		await expectWhole(last.containerId);
	}
);
