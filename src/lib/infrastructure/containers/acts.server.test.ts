import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import type { FaultRequest } from '../../../sandbox/kernel/faults.ts';
import { createStaff } from '../../../../tests/factories/identity.ts';
import { BY, testActs } from '../../../../tests/setup/containerActs.ts';
import { dyingAt } from '../../../../tests/setup/deaths.ts';
import type { ActName, Wish } from './actForms.ts';
import { PATIENCE, runAct } from './actRun.server.ts';
import { retryAct } from './acts.server.ts';

const { sandbox, pve, guest, made, untilEnded, row, ask } = await testActs();
const { faults } = sandbox.kernel;

const actOf = (actId: string) => db.containerAct.findUniqueOrThrow({ where: { id: actId } });
const once = (actId: string) => runAct(actId, new AbortController().signal);
const again = (actId: string) => transaction((tx) => retryAct(tx, made.id, actId, BY));
/** Tasks of the container that did their work. */
const doneTasks = (type: string) =>
	pve.state.tasks.filter(
		(task) => task.type === type && task.id === String(made.vmid) && task.exitstatus === 'OK'
	).length;

interface Case {
	wish: Wish;
	/** What it changes. */
	call: string;
	task: string;
	prepare?: () => void;
	/** What is so when it is done. */
	isSo: () => void;
	/** Makes it so beforehand, and what then comes of it. */
	already: { make: () => void; error?: string };
}

const snapshotOf = (name: string, cores = 2) => ({
	...{ name, description: '', snaptime: pve.now(), guest: pve.guests.save(made.vmid) },
	config: { ...guest().config, cores }
});
const names = () => guest().snapshots.map(({ name }) => name);

const CASES: Record<ActName, Case> = {
	start: {
		wish: { act: 'start' },
		call: '^POST .*/status/start$',
		task: 'vzstart',
		prepare: () => pve.markStopped(guest()),
		isSo: () => expect(guest().status).toBe('running'),
		already: { make: () => pve.markRunning(guest(), 0) }
	},
	stop: {
		wish: { act: 'stop', timeout_seconds: 30, force: false },
		call: '^POST .*/status/shutdown$',
		task: 'vzshutdown',
		isSo: () => expect(guest().status).toBe('stopped'),
		already: { make: () => pve.markStopped(guest()) }
	},
	restart: {
		wish: { act: 'restart', timeout_seconds: 30, force: false },
		call: '^POST .*/status/reboot$',
		task: 'vzreboot',
		isSo: () => expect(guest().status).toBe('running'),
		already: { make: () => pve.markStopped(guest()) }
	},
	resize: {
		wish: { act: 'resize', cpu_cores: 4, ram_mb: 8192, disk_gb: 60 },
		call: '^PUT .*/resize$',
		task: 'resize',
		isSo: () =>
			expect(guest().config).toMatchObject({
				...{ cores: 4, memory: 8192, rootfs: expect.stringContaining('size=60G') }
			}),
		already: {
			make: () => {
				Object.assign(guest().config, { cores: 4, memory: 8192 });
				guest().config.rootfs = String(guest().config.rootfs).replace('size=50G', 'size=60G');
			}
		}
	},
	snapshot: {
		wish: { act: 'snapshot', name: 'antes-de-todo', description: 'Antes' },
		call: '^POST .*/snapshot$',
		task: 'vzsnapshot',
		isSo: () => expect(names()).toEqual(['antes-de-todo']),
		already: {
			make: () => guest().snapshots.push(snapshotOf('antes-de-todo')),
			error: 'snapshot_exists'
		}
	},
	rollback: {
		wish: { act: 'rollback', name: 'base' },
		call: '^POST .*/rollback$',
		task: 'vzrollback',
		// The snapshot is of a time with other limits: those of today stay.
		prepare: () => {
			guest().snapshots.push(snapshotOf('base', 1));
			guest().config.nameserver = '10.0.0.1';
		},
		isSo: () => {
			expect(guest().config.nameserver).toBeUndefined();
			expect(guest().config.cores).toBe(2);
			expect(guest().status).toBe('running');
		},
		already: { make: () => (guest().snapshots = []), error: 'snapshot_gone' }
	},
	delete_snapshot: {
		wish: { act: 'delete_snapshot', name: 'base' },
		call: '^DELETE .*/snapshot/base',
		task: 'vzdelsnapshot',
		prepare: () => void guest().snapshots.push(snapshotOf('base')),
		isSo: () => expect(names()).toEqual([]),
		already: { make: () => (guest().snapshots = []) }
	}
};

const ACTS = Object.entries(CASES).map(([name, one]) => ({ name, ...one }));

/** The row says what Proxmox has, and the act made its change once. */
async function expectTold(one: Case) {
	one.isSo();
	expect(await row()).toMatchObject({ status: guest().status });
	expect(guest().config.lock).toBeUndefined();
	expect(doneTasks(one.task)).toBeLessThanOrEqual(1);
}

describe.each(ACTS)('$name', (one) => {
	const begin = async () => {
		one.prepare?.();
		return (await ask(one.wish)).id;
	};

	it('is done by a task of Proxmox, and read back', async () => {
		const act = await untilEnded(await begin());
		expect(act).toMatchObject({ status: 'succeeded', error: null, byLabel: BY.label });
		if (one.task !== 'resize') expect(act.taskUpid).toContain(`:${one.task}:`);
		expect(doneTasks(one.task)).toBe(1);
		await expectTold(one);
		expect((await row()).wantedRunning).toBe(one.wish.act !== 'stop');
	});

	it('asks for no change where there is none to make', async () => {
		one.prepare?.();
		one.already.make();
		const { error } = one.already;
		const act = await untilEnded((await ask(one.wish)).id);
		expect(act).toMatchObject({ status: error ? 'failed' : 'succeeded', error: error ?? null });
		expect(doneTasks(one.task)).toBe(0);
	});

	it('waits for whoever holds the container', async () => {
		const actId = await begin();
		guest().config.lock = 'backup';
		await once(actId);
		expect(await actOf(actId)).toMatchObject({
			status: 'running',
			error: 'locked: CT is locked (backup)'
		});
		expect(pve.state.tasks).toEqual([]);
		delete guest().config.lock;
		expect((await untilEnded(actId)).status).toBe('succeeded');
		await expectTold(one);
	});

	it('says what Proxmox said when its task fails, and may be tried again', async () => {
		const actId = await begin();
		faults.add({ target: 'proxmox', kind: 'status', match: `TASK ${one.task}`, body: 'no luck' });
		expect(await untilEnded(actId)).toMatchObject({
			status: 'failed',
			error: 'task_failed: no luck'
		});
		if (one.wish.act === 'resize')
			expect(await row()).toMatchObject({ cpuCores: 4, ramMb: 8192, diskGb: 50 });
		expect(await row()).toMatchObject({ status: guest().status });
		await again(actId);
		expect((await untilEnded(actId)).status).toBe('succeeded');
		await expectTold(one);
	});

	it.each<[string, Omit<FaultRequest, 'target' | 'match'>]>([
		['is cut off before anything happened', { kind: 'reset' }],
		['is cut off after it took effect', { kind: 'reset', when: 'after' }],
		['never comes after it took effect', { kind: 'timeout', when: 'after' }],
		['is garbage', { kind: 'malformed', when: 'after' }]
	])('is done once when the answer %s', async (_what, fault) => {
		const actId = await begin();
		faults.add({ target: 'proxmox', match: one.call, ...fault });
		expect((await untilEnded(actId)).status).toBe('succeeded');
		await expectTold(one);
	});

	it.each(['before', 'after'] as const)(
		'is done once when its worker dies %s the call',
		async (when) => {
			const actId = await begin();
			const call = { target: 'proxmox' as const, match: one.call, when };
			const run = () => once(actId).catch(() => {});
			expect(await dyingAt(sandbox.kernel, call, run)).toBe(true);
			expect((await untilEnded(actId)).status).toBe('succeeded');
			await expectTold(one);
		}
	);

	it('waits for a node that dies in the middle, and then says what is so', async () => {
		const actId = await begin();
		const { node } = guest();
		faults.add({
			...{ target: 'proxmox', kind: 'timeout', match: `TASK ${one.task}` },
			onTaken: () => pve.setOnline(node, false)
		});
		await once(actId);
		expect(await actOf(actId)).toMatchObject({ status: 'running', error: 'node_offline' });
		pve.setOnline(node, true);
		const act = await untilEnded(actId);
		if (act.status === 'failed') expect(act.error).toMatch(/^(unknown|task_failed)/);
		else one.isSo();
		expect(await row()).toMatchObject({ status: guest().status });
		if (act.status === 'succeeded') return;
		// It looks first, so trying again leads to what was asked for.
		if (one.wish.act === 'rollback') expect(names()).toEqual(['base']);
		await again(actId);
		expect((await untilEnded(actId)).status).toBe('succeeded');
		await expectTold(one);
	});
});

describe('what does not end when it is asked to', () => {
	const timeout_seconds = 5;

	it('goes on running, unless the plug may be pulled', async () => {
		guest().ignoresShutdown = true;
		const tried = await untilEnded((await ask({ act: 'stop', timeout_seconds, force: false })).id);
		expect(tried).toMatchObject({ status: 'failed', error: expect.stringMatching(/^task_failed/) });
		expect(guest().status).toBe('running');
		expect(await row()).toMatchObject({ status: 'running', wantedRunning: true });
		const forced = await untilEnded((await ask({ act: 'stop', timeout_seconds, force: true })).id);
		expect(forced.status).toBe('succeeded');
		expect(await row()).toMatchObject({ status: 'stopped', wantedRunning: false });
	});

	it('is restarted by its plug only when that may be', async () => {
		guest().ignoresShutdown = true;
		const wish = { act: 'restart' as const, timeout_seconds };
		const tried = await untilEnded((await ask({ ...wish, force: false })).id);
		expect(tried.status).toBe('failed');
		expect([doneTasks('vzstop'), guest().status]).toEqual([0, 'running']);
		const forced = await untilEnded((await ask({ ...wish, force: true })).id);
		expect(forced.status).toBe('succeeded');
		expect([doneTasks('vzstop'), doneTasks('vzstart'), guest().status]).toEqual([1, 1, 'running']);
	});
});

it('an act whose patience has ended fails, and its worker that wakes up late writes nothing', async () => {
	const { id: actId } = await ask({ act: 'restart', timeout_seconds: 30, force: false });
	guest().config.lock = 'backup';
	await once(actId);
	const startedAt = new Date(Date.now() - PATIENCE - 31_000);
	await db.containerAct.update({ where: { id: actId }, data: { startedAt } });
	await once(actId);
	expect(await actOf(actId)).toMatchObject({
		status: 'failed',
		error: expect.stringMatching(/^locked/)
	});
	await once(actId);
	expect((await actOf(actId)).attempts).toBe(2);
});

it('what is not there, or is somebody else’s now, is left alone', async () => {
	const mine = guest();
	const theirs = structuredClone(mine);
	theirs.config.description = 'somebody else’s';
	pve.state.containers[made.vmid] = theirs;
	const stop = () => ask({ act: 'stop', timeout_seconds: 30, force: true });
	expect(await untilEnded((await stop()).id)).toMatchObject({
		status: 'failed',
		error: 'not_ours'
	});
	expect(theirs.status).toBe('running');
	delete pve.state.containers[made.vmid];
	const { id } = await stop();
	const { id: byId } = await createStaff();
	await db.containerAct.update({ where: { id }, data: { byId } });
	expect(await untilEnded(id)).toMatchObject({ status: 'failed', error: 'gone' });
	const told = { userId: byId, kind: 'container_act_failed' };
	expect(await db.notification.findMany()).toMatchObject([told]);
	pve.state.containers[made.vmid] = mine;
});

it('a container that was there before us is known by its disk', async () => {
	const { description } = guest().config;
	delete guest().config.description;
	const rootVolume = String(guest().config.rootfs).split(',')[0]!;
	await db.container.update({ where: { id: made.id }, data: { adopted: true, rootVolume } });
	const restart = () => ask({ act: 'restart', timeout_seconds: 30, force: false });
	expect((await untilEnded((await restart()).id)).status).toBe('succeeded');
	await db.container.update({ where: { id: made.id }, data: { rootVolume: 'ceph:vm-1-disk-0' } });
	expect(await untilEnded((await restart()).id)).toMatchObject({ error: 'not_ours' });
	await expect(ask({ act: 'rollback', name: 'base' })).rejects.toMatchObject({
		code: 'CONTAINER_ACT_REFUSED'
	});
	guest().config.description = description!;
});
