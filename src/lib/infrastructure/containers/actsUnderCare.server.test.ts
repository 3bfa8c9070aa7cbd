import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { checkNodes } from '../nodes/nodes.server.ts';
import { haOf } from '../../../sandbox/proxmox/ha.ts';
import { BY, testActs } from '../../../../tests/setup/containerActs.ts';
import { placeTenant, type Placed } from '../../../../tests/setup/containers.ts';
import { dyingAt } from '../../../../tests/setup/deaths.ts';
import type { Wish } from './actForms.ts';
import { refusalNow } from './actRefusals.server.ts';
import { PATIENCE, runAct } from './actRun.server.ts';
import { retryAct } from './acts.server.ts';

const { sandbox, pve, guest, made, untilEnded, row, ask } = await testActs();
const { faults } = sandbox.kernel;
const ha = haOf(pve);
const resource = () => ha.resourceOf(made.vmid)!;
const timeout_seconds = 5;

/** Types of the container's tasks since the test began, with who asked for them. */
const tasks = () =>
	pve.state.tasks
		.filter(({ id }) => id === String(made.vmid))
		.map(({ type, user }) => (user === 'root@pam' ? `manager:${type}` : type));
const once = (actId: string) => runAct(actId, new AbortController().signal);
const done = async (wish: Wish) => untilEnded((await ask(wish)).id);
const errorOf = async (actId: string) =>
	(await db.containerAct.findUniqueOrThrow({ where: { id: actId } })).error;

beforeAll(async () => {
	const { nodeId } = await row();
	const partner = await db.node.findFirstOrThrow({ where: { id: { not: nodeId } } });
	await db.container.update({ where: { id: made.id }, data: { haNodeId: partner.id } });
});

beforeEach(() => {
	ha.state.jobs = [];
	ha.state.resources = [
		{
			...{ sid: `ct:${made.vmid}`, state: 'started', crm: 'started' },
			...{ max_restart: 1, max_relocate: 1, failback: false }
		}
	];
	ha.changed();
});

const expectManaged = (state: 'started' | 'stopped') => {
	expect(resource()).toMatchObject({ state, crm: state });
	expect(guest().status).toBe(state === 'started' ? 'running' : 'stopped');
};

describe('the manager is asked, and what comes of it is read back', () => {
	it('stops and starts, each once, although its tasks end before anything has happened', async () => {
		expect(await done({ act: 'stop', timeout_seconds, force: false })).toMatchObject({
			status: 'succeeded'
		});
		expect(tasks()).toEqual(['hastop', 'manager:vzshutdown']);
		expectManaged('stopped');
		expect(await row()).toMatchObject({ status: 'stopped', wantedRunning: false });
		expect(await done({ act: 'start' })).toMatchObject({ status: 'succeeded' });
		expect(tasks().slice(2)).toEqual(['hastart', 'manager:vzstart']);
		expectManaged('started');
		expect(await row()).toMatchObject({ status: 'running', wantedRunning: true });
	});

	it('waits for the manager, and says so', async () => {
		// It hears the command, and does not come to it.
		resource().crm = 'queued';
		const { id } = await ask({ act: 'stop', timeout_seconds, force: false });
		await once(id);
		expect(await errorOf(id)).toBe('ha_manager');
		expect(guest().status).toBe('running');
		resource().crm = 'started';
		ha.stop(resource(), 5);
		expect((await untilEnded(id)).status).toBe('succeeded');
		expectManaged('stopped');
	});

	it('sees to it that what is down already is not started again', async () => {
		pve.markStopped(guest());
		expect((await done({ act: 'stop', timeout_seconds, force: false })).status).toBe('succeeded');
		expect(tasks()).toEqual([]);
		expectManaged('stopped');
	});

	it('restarts it without asking, and brings it back where the plug was pulled', async () => {
		expect((await done({ act: 'restart', timeout_seconds, force: false })).status).toBe(
			'succeeded'
		);
		expect(tasks()).toEqual(['vzreboot']);
		guest().ignoresShutdown = true;
		pve.state.tasks.length = 0;
		expect((await done({ act: 'restart', timeout_seconds, force: true })).status).toBe('succeeded');
		expect(tasks()).toEqual(['vzreboot', 'hastop', 'manager:vzstop', 'hastart', 'manager:vzstart']);
		expectManaged('started');
	});
});

describe('what does not end when the manager asks it to', () => {
	beforeEach(() => void (guest().ignoresShutdown = true));

	it('is an error to the manager, which the act says', async () => {
		const act = await done({ act: 'stop', timeout_seconds, force: false });
		expect(act).toMatchObject({ status: 'failed', error: 'ha_gave_up' });
		expect(resource().crm).toBe('error');
		expect(await row()).toMatchObject({ status: 'running', wantedRunning: true });
	});

	it('is stopped by its plug where that may be, and is under the manager again', async () => {
		const act = await done({ act: 'stop', timeout_seconds, force: true });
		expect(act).toMatchObject({ status: 'succeeded' });
		expect(tasks().at(-1)).toBe('vzstop');
		expectManaged('stopped');
		guest().ignoresShutdown = false;
		expect((await done({ act: 'start' })).status).toBe('succeeded');
		expectManaged('started');
	});

	it.each(['ha/resources', 'status/stop$'])(
		'is stopped once when the worker dies around each call to %s, or nobody hears the answer',
		async (call) => {
			for (const when of ['before', 'after'] as const) {
				guest().ignoresShutdown = true;
				const { id } = await ask({ act: 'stop', timeout_seconds, force: true });
				const match = { target: 'proxmox' as const, match: `^(PUT|POST) .*${call}`, when };
				const run = () => once(id).catch(() => {});
				pve.state.tasks.length = 0;
				let isDead = false;
				for (let runs = 0; runs < 8 && !isDead; runs++)
					isDead = await dyingAt(sandbox.kernel, match, run);
				expect(isDead).toBe(true);
				faults.add({ ...match, kind: 'reset', when: 'after' });
				expect((await untilEnded(id)).status).toBe('succeeded');
				faults.clear();
				expectManaged('stopped');
				expect(tasks().filter((type) => type === 'vzstop')).toHaveLength(1);
				guest().ignoresShutdown = false;
				expect((await done({ act: 'start' })).status).toBe('succeeded');
				expectManaged('started');
			}
		}
	);
});

it('what the manager gave up on while it was down is started all the same', async () => {
	pve.markStopped(guest());
	resource().crm = 'error';
	expect((await done({ act: 'start' })).status).toBe('succeeded');
	expectManaged('started');
	// What it cannot start, it gives up on again.
	pve.markStopped(guest());
	resource().crm = 'error';
	faults.add({ target: 'proxmox', kind: 'status', match: 'TASK vzstart', body: 'no luck' });
	expect(await done({ act: 'start' })).toMatchObject({ status: 'failed', error: 'ha_gave_up' });
	expect(guest().status).toBe('stopped');
});

describe('snapshots', () => {
	const take = (name: string) => done({ act: 'snapshot', name, description: '' });
	const copying = () => {
		const { node } = guest();
		const target = pve.state.nodes.find(({ name }) => name !== node)!.name;
		ha.state.jobs = [
			{
				...{ id: `${made.vmid}-0`, guest: made.vmid, target, schedule: '*/5', disable: false },
				...{ source: node, lastSync: 0, lastTry: 0, duration: 0, failCount: 0, guestCopy: null }
			}
		];
		ha.sync(ha.state.jobs[0]!);
	};

	it('are gone back to after the manager has stopped it, which then starts it', async () => {
		await take('base');
		guest().config.nameserver = '10.0.0.1';
		pve.state.tasks.length = 0;
		expect((await done({ act: 'rollback', name: 'base' })).status).toBe('succeeded');
		expect(tasks()).toEqual(['hastop', 'manager:vzstop', 'vzrollback', 'manager:vzstart']);
		expect(guest().config.nameserver).toBeUndefined();
		expectManaged('started');
		// What was down stays so.
		await done({ act: 'stop', timeout_seconds, force: false });
		expect((await done({ act: 'rollback', name: 'base' })).status).toBe('succeeded');
		expectManaged('stopped');
		await done({ act: 'start' });
	});

	it('on ZFS: the latest alone, and what ran before runs again when it is refused', async () => {
		const rootfs = String(guest().config.rootfs);
		guest().config.rootfs = `local-zfs:subvol-${made.vmid}-disk-0,size=50G`;
		await take('base');
		await take('later');
		pve.state.tasks.length = 0;
		expect(await done({ act: 'rollback', name: 'base' })).toMatchObject({
			status: 'failed',
			error: expect.stringMatching(/^task_failed: can't rollback, 'base' is not most recent/)
		});
		expectManaged('started');
		expect(await row()).toMatchObject({ status: 'running', wantedRunning: true });
		await done({ act: 'delete_snapshot', name: 'later' });
		copying();
		expect((await done({ act: 'rollback', name: 'base' })).status).toBe('succeeded');
		expectManaged('started');
		// The copy's own snapshot was in the way: the next copy begins from this one, which stays until then.
		const { id } = await ask({ act: 'delete_snapshot', name: 'base' });
		await once(id);
		await once(id);
		expect(await errorOf(id)).toMatch(/^replication_first: .*needed by replication job/);
		ha.sync(ha.state.jobs[0]!);
		expect((await untilEnded(id)).status).toBe('succeeded');
		expect(guest().snapshots).toEqual([]);
		guest().config.rootfs = rootfs;
	});
});

it('other limits take effect while it runs, and nobody is stopped for them', async () => {
	await checkNodes();
	const wish: Wish = { act: 'resize', cpu_cores: 3, ram_mb: 5120, disk_gb: 60 };
	expect((await done(wish)).status).toBe('succeeded');
	expect(tasks()).toEqual(['resize']);
	expect(guest().config).toMatchObject({ cores: 3, memory: 5120 });
	expectManaged('started');
});

it('limits that get smaller keep their room while nobody says what is so', async () => {
	await checkNodes();
	const { node } = guest();
	const { id } = await ask({ act: 'resize', cpu_cores: 1, ram_mb: 8192, disk_gb: 60 });
	pve.setOnline(node, false);
	await once(id);
	const startedAt = new Date(Date.now() - PATIENCE - 1_000);
	await db.containerAct.update({ where: { id }, data: { startedAt } });
	await once(id);
	expect(await errorOf(id)).toBe('node_offline');
	expect(await row()).toMatchObject({ cpuCores: 2, ramMb: 8192, diskGb: 60 });
	pve.setOnline(node, true);
	await db.node.updateMany({ data: { haltedAt: null, haltedBy: null } });
	await transaction((tx) => retryAct(tx, made.id, id, BY));
	expect((await untilEnded(id)).status).toBe('succeeded');
	expect(await row()).toMatchObject({ cpuCores: 1, ramMb: 8192, diskGb: 60 });
	expect(guest().config).toMatchObject({ cores: 1, memory: 8192 });
});

describe('a server of databases', () => {
	const stop: Wish = { act: 'stop', timeout_seconds, force: false };
	const restart: Wish = { act: 'restart', timeout_seconds, force: false };
	const back: Wish = { act: 'rollback', name: 'base' };
	const needed = { code: 'CONTAINER_ACT_REFUSED', message: expect.stringMatching(/needed$/) };
	let served: Placed;
	const run = (data: Prisma.ProvisioningJobUpdateInput) =>
		db.provisioningJob.update({ where: { id: served.jobId }, data });

	beforeAll(async () => {
		served = await placeTenant();
		const { containerId } = served.place;
		await db.$executeRaw`UPDATE lxc_containers SET postgres_container_id = ${made.id}::uuid WHERE id = ${containerId}::uuid`;
		await db.containerSecret.create({ data: { containerId, postgresPassword: '' } });
	});

	it('stays on the air while a run or a backup works with the databases on it', async () => {
		await run({ status: 'running' });
		for (const wish of [stop, restart, back]) await expect(ask(wish)).rejects.toMatchObject(needed);
		expect((await done({ act: 'start' })).status).toBe('succeeded');
		// What waits for the server itself is no reason to leave it as it is.
		await run({ status: 'waiting', reason: 'database_server' });
		const { id } = await ask(restart);
		await run({ status: 'running' });
		await once(id);
		expect([await errorOf(id), tasks()]).toEqual(['needed', []]);
		await run({ status: 'succeeded' });
		expect((await untilEnded(id)).status).toBe('succeeded');
		// A deletion within its days of grace, or who waits for a copy, needs nothing; a move whose time has come does.
		for (const reason of ['grace', 'clone_queue', 'node_offline']) {
			await run({ status: 'waiting', reason });
			expect(await refusalNow(db, 'stop', await row())).toBeNull();
		}
		await run({ status: 'running', reason: 'not_before' });
		await expect(ask(stop)).rejects.toMatchObject(needed);
		await run({ status: 'succeeded' });
		const { tenantId } = served;
		const { customerId } = await db.tenant.findUniqueOrThrow({ where: { id: tenantId } });
		await db.backup.create({ data: { tenantId, customerId, kind: 'database', reason: 'x' } });
		await expect(ask(stop)).rejects.toMatchObject(needed);
	});

	it('does not go back to before what is kept on it', async () => {
		const ago = (seconds: number) => new Date((pve.now() - seconds) * 1000);
		const saved = { name: 'base', description: '', guest: pve.guests.save(made.vmid) };
		guest().snapshots = [{ ...saved, snaptime: pve.now() - 60, config: { ...guest().config } }];
		const { slug } = await db.tenant.findUniqueOrThrow({ where: { id: served.tenantId } });
		/** How going back ends when its role and its databases are from then. */
		const ends = async (attachedAt: Date, activatedAt: Date) => {
			await db.containerSecret.updateMany({ data: { attachedAt } });
			await db.tenant.updateMany({ where: { id: served.tenantId }, data: { activatedAt } });
			return (await done(back)).error;
		};
		expect(await ends(ago(30), ago(90))).toMatch(/^newer_data: /);
		expect(await ends(ago(90), ago(30))).toBe(`newer_data: ${slug}`);
		expect(await ends(ago(90), ago(90))).toBeNull();
	});
});
