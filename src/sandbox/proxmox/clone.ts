import type { ApiCall } from './api.ts';
import {
	checkUnlocked,
	isTemplate,
	joinOptions,
	netOptions,
	rootStorage,
	type Cluster
} from './cluster.ts';
import { TASK_MS } from './durations.ts';
import { died, invalid } from './errors.ts';
import { checkSpace, containerOf, copyBytes } from './operations-lxc.ts';
import { toFlag } from './parameters.ts';
import { requireAny } from './permissions.ts';
import { onSharedStorage } from './readings.ts';
import type { ConfigValue, ContainerState } from './state.ts';

/**
 * POST …/clone. The source is locked (`disk`) for the whole copy, so that a second clone of it is refused meanwhile;
 * the new container carries `create`. The static address is copied, the MAC is new.
 */
export function clone(call: ApiCall): string {
	const { cluster, caller, input } = call;
	const source = containerOf(call, 'VM.Clone');
	const newid = Number(input.newid);
	requireAny(cluster, caller, input.pool ? `/pool/${input.pool}` : `/vms/${newid}`, [
		'VM.Allocate'
	]);
	const full = input.full === undefined ? !isTemplate(source) : toFlag(input.full) === true;
	const storage = input.storage ?? rootStorage(source);
	requireAny(cluster, caller, `/storage/${storage}`, ['Datastore.AllocateSpace']);
	if (input.storage && !full) {
		throw invalid({ storage: "parameter 'storage' not allowed for linked clones" });
	}
	if (!full && !isTemplate(source)) {
		throw died(`Linked clone feature is not supported for drive 'rootfs'`);
	}
	const target = input.target ?? source.node;
	if (target !== source.node) {
		cluster.node(target);
		if (!onSharedStorage(cluster, source)) {
			throw died(`can't clone to non-shared storage '${rootStorage(source)}'`);
		}
		if (full && !cluster.storage(storage).shared) {
			throw died(`can't clone to non-shared storage '${storage}'`);
		}
	}
	if (input.pool && !cluster.state.pools.includes(input.pool)) {
		throw died(`pool '${input.pool}' does not exist`);
	}
	checkUnlocked(source);
	if (cluster.state.containers[newid]) {
		throw died(`unable to create CT ${newid}: config file already exists`);
	}
	if (full && source.status === 'running' && !input.snapname) {
		throw died(`Cannot do full clones on a running container without snapshots`);
	}
	const config = snapshotOr(source, input.snapname);
	const copy = prepare(cluster, source, config, newid, input);
	copy.node = target;
	source.config.lock = 'disk';
	cluster.state.containers[newid] = copy;
	cluster.changed();
	const unlock = () => {
		if (source.config.lock === 'disk') delete source.config.lock;
		cluster.changed();
	};
	return cluster.tasks.start(source.node, 'vzclone', source.vmid, caller, async (work) => {
		work.onFailure(() => {
			unlock();
			delete cluster.state.containers[newid];
			cluster.guests.remove(newid);
			cluster.changed();
		});
		if (full) checkSpace(cluster, storage, target, copyBytes(cluster, source));
		work.log(
			`create ${full ? 'full' : 'linked'} clone of mountpoint rootfs (${source.config.rootfs})`
		);
		await work.wait(full ? TASK_MS.cloneFull : TASK_MS.cloneLinked);
		cluster.guests.copy(source.vmid, newid);
		copy.config.rootfs = full
			? `${storage}:vm-${newid}-disk-0${sizeOf(source)}`
			: `${storage}:base-${source.vmid}-disk-0/vm-${newid}-disk-0${sizeOf(source)}`;
		delete copy.config.lock;
		unlock();
	});
}

function snapshotOr(source: ContainerState, name: string | undefined): Record<string, ConfigValue> {
	if (!name) return source.config;
	const snapshot = source.snapshots.find((candidate) => candidate.name === name);
	if (!snapshot) throw died(`snapshot '${name}' does not exist`);
	return snapshot.config;
}

function prepare(
	cluster: Cluster,
	source: ContainerState,
	config: Record<string, ConfigValue>,
	newid: number,
	input: Record<string, string>
): ContainerState {
	const copied: Record<string, ConfigValue> = { ...config };
	delete copied.template;
	delete copied.lock;
	delete copied.protection;
	delete copied.description;
	for (const key of Object.keys(copied)) {
		if (!/^net\d+$/.test(key)) continue;
		copied[key] = joinOptions({ ...netOptions(copied[key]), hwaddr: cluster.newMac() });
	}
	copied.hostname = input.hostname ?? `Copy-of-CT-${copied.hostname ?? source.vmid}`;
	if (input.description !== undefined) copied.description = input.description;
	copied.lock = 'create';
	return {
		vmid: newid,
		node: source.node,
		config: copied,
		pending: {},
		status: 'stopped',
		...(input.pool ? { pool: input.pool } : {}),
		startedAt: null,
		readyAtMs: 0,
		createdAt: cluster.now(),
		snapshots: []
	};
}

function sizeOf(source: ContainerState): string {
	return /,size=[^,]+/.exec(String(source.config.rootfs))?.[0] ?? '';
}
