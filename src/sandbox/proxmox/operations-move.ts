import type { ApiCall, Operation } from './api.ts';
import { checkUnlocked, rootStorage } from './cluster.ts';
import { BOOT_MS, TASK_MS } from './durations.ts';
import { died, invalid } from './errors.ts';
import { haOf } from './ha.ts';
import { checkSpace, containerOf, copyBytes } from './operations-lxc.ts';
import { count, flag, text, toFlag } from './parameters.ts';
import { onSharedStorage } from './readings.ts';
import type { ContainerState, SnapshotState } from './state.ts';
import type { Work } from './tasks.ts';

/** Snapshots and migration. */
export const moveOperations: Operation[] = [
	{
		method: 'GET',
		path: '/nodes/:node/lxc/:vmid/snapshot',
		run: (call) => {
			const container = containerOf(call, 'VM.Audit');
			const rows: Record<string, unknown>[] = container.snapshots.map((snapshot, index) => ({
				name: snapshot.name,
				description: snapshot.description,
				snaptime: snapshot.snaptime,
				...(index > 0 ? { parent: container.snapshots[index - 1]!.name } : {})
			}));
			const last = container.snapshots.at(-1);
			return [
				...rows,
				{
					name: 'current',
					description: 'You are here!',
					running: container.status === 'running' ? 1 : 0,
					...(last ? { parent: last.name } : {})
				}
			];
		}
	},
	{
		method: 'POST',
		path: '/nodes/:node/lxc/:vmid/snapshot',
		rules: {
			snapname: { type: 'string', pattern: /^[a-zA-Z][\w-]+$/, maxLength: 40 },
			description: text
		},
		run: takeSnapshot
	},
	{
		method: 'POST',
		path: '/nodes/:node/lxc/:vmid/snapshot/:snapname/rollback',
		rules: { start: flag },
		run: rollback
	},
	{
		method: 'DELETE',
		path: '/nodes/:node/lxc/:vmid/snapshot/:snapname',
		rules: { force: flag },
		run: (call) => {
			const container = containerOf(call, 'VM.Snapshot');
			const snapshot = snapshotOf(container, call.params.snapname!);
			return locked(
				call,
				container,
				'vzdelsnapshot',
				'snapshot-delete',
				TASK_MS.vzdelsnapshot,
				() => {
					container.snapshots = container.snapshots.filter((one) => one !== snapshot);
				},
				() => mustNotBeNeeded(call, container, snapshot)
			);
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/lxc/:vmid/migrate',
		rules: { target: text },
		run: (call) => {
			const container = containerOf(call, 'VM.Migrate');
			const others = call.cluster.state.nodes.filter(
				(node) => node.name !== container.node && node.online
			);
			return {
				running: container.status === 'running' ? 1 : 0,
				'allowed-nodes': others.map((node) => node.name),
				'not-allowed-nodes': {},
				'local-disks': [],
				'local-resources': []
			};
		}
	},
	{
		method: 'POST',
		path: '/nodes/:node/lxc/:vmid/migrate',
		rules: {
			target: { type: 'string' },
			online: flag,
			restart: flag,
			timeout: count,
			'target-storage': text,
			bwlimit: count
		},
		run: migrate
	}
];

function snapshotOf(container: ContainerState, name: string): SnapshotState {
	const snapshot = container.snapshots.find((one) => one.name === name);
	if (!snapshot) throw died(`snapshot '${name}' does not exist`);
	return snapshot;
}

/** Runs a task under a lock of the container's configuration. */
function locked(
	call: ApiCall,
	container: ContainerState,
	type: string,
	lock: string,
	ms: number,
	effect: () => void,
	begin?: (work: Work) => void
): string {
	const { cluster, caller } = call;
	checkUnlocked(container);
	return cluster.tasks.start(container.node, type, container.vmid, caller, async (work) => {
		checkUnlocked(container);
		container.config.lock = lock;
		cluster.changed();
		const unlock = () => {
			delete container.config.lock;
			cluster.changed();
		};
		work.onFailure(unlock);
		begin?.(work);
		await work.wait(ms);
		effect();
		unlock();
	});
}

function takeSnapshot(call: ApiCall): string {
	const container = containerOf(call, 'VM.Snapshot');
	const { cluster, input } = call;
	const name = input.snapname!;
	if (name === 'current')
		throw invalid({ snapname: "unable to use snapshot name 'current' (reserved name)" });
	if (container.snapshots.some((one) => one.name === name)) {
		throw died(`snapshot name '${name}' already used`);
	}
	return locked(call, container, 'vzsnapshot', 'snapshot', TASK_MS.vzsnapshot, () => {
		const { lock: _lock, ...config } = container.config;
		container.snapshots.push({
			name,
			description: input.description ?? '',
			snaptime: cluster.now(),
			config,
			guest: cluster.guests.save(container.vmid)
		});
	});
}

/** @throws PveError while a copy on another node could not be brought up to date without it */
function mustNotBeNeeded(
	{ cluster }: ApiCall,
	{ vmid }: ContainerState,
	{ name }: SnapshotState
): void {
	const job = haOf(cluster).state.jobs.find(
		({ guest, needsSnapshot }) => guest === vmid && needsSnapshot !== undefined
	);
	if (job)
		throw died(`snapshot '${name}' needed by replication job '${job.id}' - run replication first`);
}

/** @throws PveError on ZFS, where what is newer would be lost */
function mustBeLatest(
	{ cluster }: ApiCall,
	container: ContainerState,
	{ name }: SnapshotState
): void {
	const isStack = cluster.storage(rootStorage(container)).type === 'zfspool';
	if (!isStack || container.snapshots.at(-1)?.name === name) return;
	const volume = String(container.config.rootfs).split(',')[0]!;
	throw died(`can't rollback, '${name}' is not most recent snapshot on '${volume}'`);
}

function rollback(call: ApiCall): string {
	const { cluster, input } = call;
	const container = containerOf(call, 'VM.Snapshot', 'VM.Snapshot.Rollback');
	const snapshot = snapshotOf(container, call.params.snapname!);
	const ha = haOf(cluster);
	const managed = () => ha.managing(container.vmid);
	const effect = () => {
		container.config = { ...snapshot.config };
		container.pending = {};
		cluster.guests.restore(container.vmid, snapshot.guest);
		const by = managed();
		if (by && toFlag(input.start)) by.state = 'started';
		// The manager starts what is to run, whoever killed it.
		if (by) ha.converge(by);
		else if (toFlag(input.start)) cluster.markRunning(container, BOOT_MS);
	};
	const begin = (work: Work) => {
		mustBeLatest(call, container, snapshot);
		for (const job of ha.state.jobs) {
			// What was sent later than the snapshot was taken is in the way.
			if (job.guest !== container.vmid || job.lastSync < snapshot.snaptime) continue;
			work.log(`WARN: removing replication snapshot of job '${job.id}'`);
			work.log(
				`WARN: you shouldn't remove '${snapshot.name}' before running the next replication!`
			);
			job.needsSnapshot = snapshot.name;
		}
		// What runs is killed first, without being asked to end.
		cluster.markStopped(container);
	};
	const ms = TASK_MS.vzrollback;
	return locked(call, container, 'vzrollback', 'rollback', ms, effect, begin);
}

function migrate(call: ApiCall): string {
	const { cluster, caller, input } = call;
	const container = containerOf(call, 'VM.Migrate');
	const source = container.node;
	const target = input.target!;
	if (target === source) throw invalid({ target: 'target is local node.' });
	cluster.node(target);
	const managed = haOf(cluster).managing(container.vmid);
	if (managed) {
		return cluster.tasks.start(source, 'hamigrate', container.vmid, caller, async (work) => {
			await work.wait(TASK_MS.vzmigrate);
			haOf(cluster).relocate(managed, target);
		});
	}
	checkUnlocked(container);
	if (container.status === 'running' && !toFlag(input.restart)) {
		if (toFlag(input.online)) throw died('lxc live migration is currently not implemented');
		throw died('CT is running - please use -restart to migrate a running container');
	}
	const shared = onSharedStorage(cluster, container);
	const storage = input['target-storage'] ?? rootStorage(container);
	return cluster.tasks.start(source, 'vzmigrate', container.vmid, caller, async (work) => {
		const wasRunning = container.status === 'running';
		if (!shared) checkSpace(cluster, storage, target, copyBytes(cluster, container));
		container.config.lock = 'migrate';
		if (wasRunning) {
			work.log(`shutdown CT ${container.vmid}`);
			cluster.markStopped(container);
		}
		const unlock = () => {
			delete container.config.lock;
			cluster.changed();
		};
		work.onFailure(() => {
			unlock();
			if (wasRunning) cluster.markRunning(container, BOOT_MS);
		});
		work.log(
			`starting migration of CT ${container.vmid} to node '${target}' (${cluster.node(target).ip})`
		);
		await work.wait(shared ? TASK_MS.vzmigrate / 3 : TASK_MS.vzmigrate * 3);
		cluster.node(target);
		container.node = target;
		if (!shared) {
			container.config.rootfs = String(container.config.rootfs).replace(/^[^:]+/, storage);
		}
		unlock();
		if (wasRunning) cluster.markRunning(container, BOOT_MS);
		work.log('migration finished successfully');
	});
}
