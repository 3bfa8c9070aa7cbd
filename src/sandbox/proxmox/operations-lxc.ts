import type { ApiCall, Operation } from './api.ts';
import { checkUnlocked, isTemplate, rootBytes, rootStorage } from './cluster.ts';
import { clone } from './clone.ts';
import { createOrRestore } from './create.ts';
import { BOOT_MS, TASK_MS } from './durations.ts';
import { died, invalid } from './errors.ts';
import { haOf } from './ha.ts';
import { HISTORY_RULES } from './operations-node.ts';
import { CONFIG_RULES, count, flag, hostname, text, toFlag, vmid } from './parameters.ts';
import { may, requireAny } from './permissions.ts';
import { containerHistory, containerRow } from './readings.ts';
import type { ContainerState } from './state.ts';

/** The container of the path, readable by the caller. @throws PveError 403, 500 */
export function containerOf(call: ApiCall, ...privileges: string[]): ContainerState {
	requireAny(call.cluster, call.caller, `/vms/${call.params.vmid}`, privileges);
	return call.cluster.container(call.params.node!, call.params.vmid!);
}

export const lxcOperations: Operation[] = [
	{
		method: 'GET',
		path: '/nodes/:node/lxc',
		run: ({ cluster, caller, params }) =>
			cluster
				.onNode(params.node!)
				.filter((container) => may(cluster, caller, `/vms/${container.vmid}`, 'VM.Audit'))
				.map((container) => containerRow(cluster, container))
	},
	{
		method: 'POST',
		path: '/nodes/:node/lxc',
		rules: {
			...CONFIG_RULES,
			vmid,
			ostemplate: { type: 'string', maxLength: 255 },
			storage: text,
			password: { type: 'string', optional: true, minLength: 5 },
			'ssh-public-keys': text,
			pool: text,
			start: flag,
			restore: flag,
			force: flag,
			unique: flag,
			'ha-managed': flag,
			'ignore-unpack-errors': flag,
			bwlimit: count
		},
		run: createOrRestore
	},
	{
		method: 'POST',
		path: '/nodes/:node/lxc/:vmid/clone',
		rules: {
			newid: vmid,
			hostname,
			description: text,
			full: flag,
			storage: text,
			target: text,
			snapname: text,
			pool: text,
			bwlimit: count
		},
		run: clone
	},
	{
		method: 'DELETE',
		path: '/nodes/:node/lxc/:vmid',
		rules: { force: flag, purge: flag, 'destroy-unreferenced-disks': flag },
		run: destroy
	},
	{
		method: 'GET',
		path: '/nodes/:node/lxc/:vmid/status/current',
		run: (call) => ({
			...containerRow(call.cluster, containerOf(call, 'VM.Audit')),
			ha: serviceOf(call)
		})
	},
	...(['start', 'stop', 'shutdown', 'reboot'] as const).map((verb): Operation => ({
		method: 'POST',
		path: `/nodes/:node/lxc/:vmid/status/${verb}`,
		rules: {
			skiplock: flag,
			debug: flag,
			timeout: count,
			forceStop: flag,
			'overrule-shutdown': flag
		},
		run: (call) => power(call, verb)
	})),
	...(['suspend', 'resume'] as const).map((verb): Operation => ({
		method: 'POST',
		path: `/nodes/:node/lxc/:vmid/status/${verb}`,
		run: (call) => freeze(call, verb)
	})),
	{
		method: 'GET',
		path: '/nodes/:node/lxc/:vmid/rrddata',
		rules: HISTORY_RULES,
		run: (call) =>
			containerHistory(call.cluster, containerOf(call, 'VM.Audit'), call.input.timeframe!)
	},
	{
		method: 'POST',
		path: '/nodes/:node/lxc/:vmid/template',
		run: (call) => {
			const container = containerOf(call, 'VM.Allocate');
			if (container.status === 'running')
				throw died("you can't convert a CT to template if the CT is running");
			if (isTemplate(container)) throw died(`you can't convert a template to a template`);
			container.config.template = 1;
			container.config.rootfs = String(container.config.rootfs).replace(':vm-', ':base-');
			call.cluster.changed();
			return null;
		}
	}
];

function destroy(call: ApiCall): string {
	const { cluster, caller, input } = call;
	const container = containerOf(call, 'VM.Allocate');
	const force = toFlag(input.force);
	if (Number(container.config.protection ?? 0) === 1) {
		throw died(`can't remove CT ${container.vmid} - protection mode enabled`);
	}
	if (!force) checkUnlocked(container);
	if (!toFlag(input.purge) && haOf(cluster).resourceOf(container.vmid)) {
		throw died(
			`unable to remove CT ${container.vmid} - used in HA resources and purge parameter not set.`
		);
	}
	const [job] = haOf(cluster).state.jobs.filter(({ guest }) => guest === container.vmid);
	if (!toFlag(input.purge) && job) {
		throw died(
			`There is a replication job '${job.id}' for guest '${container.vmid}'. Please remove that first.`
		);
	}
	const check = () => {
		const linked = Object.values(cluster.state.containers).some((other) =>
			String(other.config.rootfs).includes(`base-${container.vmid}-disk-0/`)
		);
		if (linked)
			throw died(
				`base volume '${rootStorage(container)}:base-${container.vmid}-disk-0' is still in use by linked cloned`
			);
		if (container.status === 'running' && !force) throw died(`CT ${container.vmid} is running`);
	};
	if (container.status === 'running' && !force) {
		throw died(`CT ${container.vmid} is running - destroy failed!`);
	}
	return cluster.tasks.start(container.node, 'vzdestroy', container.vmid, caller, async (work) => {
		check();
		if (container.status === 'running') cluster.markStopped(container);
		container.config.lock = 'destroyed';
		cluster.changed();
		work.onFailure(() => {
			delete container.config.lock;
			cluster.changed();
		});
		work.log(`  Logical volume "vm-${container.vmid}-disk-0" successfully removed.`);
		await work.wait(TASK_MS.vzdestroy);
		if (toFlag(input.purge)) {
			work.log('purging CT ' + container.vmid + ' from related configurations..');
			haOf(cluster).forget(container.vmid);
		}
		delete cluster.state.containers[container.vmid];
		cluster.guests.remove(container.vmid);
		cluster.changed();
	});
}

/** How the cluster's manager sees it, if it looks after it. */
function serviceOf({ cluster, params }: ApiCall): Record<string, unknown> {
	const managed = haOf(cluster).managing(params.vmid!);
	return managed ? { managed: 1, state: managed.crm } : { managed: 0 };
}

type Verb = 'start' | 'stop' | 'shutdown' | 'reboot';

function power(call: ApiCall, verb: Verb): string {
	const { cluster, caller, input } = call;
	const container = containerOf(call, 'VM.PowerMgmt');
	const { vmid: id, node } = container;
	if (input.skiplock !== undefined && toFlag(input.skiplock)) {
		throw invalid({ skiplock: 'Only root may use this option.' });
	}
	if (verb === 'start') {
		if (container.status === 'running') throw died(`CT ${id} already running`);
		if (isTemplate(container)) throw died(`you can't start a CT if it's a template`);
	} else if (container.status !== 'running') {
		throw died(`CT ${id} not running`);
	}
	const ha = haOf(cluster);
	const managed = ha.managing(id);
	if (managed && verb !== 'reboot') {
		if (toFlag(input['overrule-shutdown']))
			throw invalid({ 'overrule-shutdown': 'Not applicable for HA resources.' });
		const type = verb === 'start' ? 'hastart' : 'hastop';
		const seconds = verb === 'stop' ? 0 : Number(input.timeout ?? 60);
		// Whoever starts or stops it tells the manager, and the task ends with that: whether it ends by force is not asked.
		return cluster.tasks.start(node, type, id, caller, async (work) => {
			work.log(`Requesting HA ${type.slice(2)} for CT ${id}`);
			await work.wait(TASK_MS.harequest);
			if (verb !== 'start') return ha.stop(managed, seconds);
			managed.state = 'started';
			ha.converge(managed);
		});
	}
	const free = () => {
		checkUnlocked(container);
	};
	return cluster.tasks.start(node, `vz${verb}`, id, caller, async (work) => {
		free();
		if (verb === 'start') {
			await work.wait(TASK_MS.vzstart);
			free();
			// A fresh start forgets what was frozen.
			container.suspended = false;
			cluster.markRunning(container, BOOT_MS);
			return;
		}
		if (verb !== 'stop' && container.ignoresShutdown) {
			const timeout = Number(input.timeout ?? 60);
			await work.wait(timeout * 1000);
			if (verb === 'reboot' || !toFlag(input.forceStop))
				throw died(`command 'lxc-stop -n ${id} --timeout ${timeout}' failed: exit code 1`);
		} else await work.wait(TASK_MS[`vz${verb}`]);
		cluster.markStopped(container);
		if (verb === 'reboot') cluster.markRunning(container, BOOT_MS);
	});
}

/** Proxmox writes a suspended container's memory to disk and stops it: its status is that of any stopped one. */
function freeze(call: ApiCall, verb: 'suspend' | 'resume'): string {
	const { cluster, caller } = call;
	const container = containerOf(call, 'VM.PowerMgmt');
	const runs = container.status === 'running';
	if (verb === 'suspend' && !runs) throw died(`CT ${container.vmid} not running`);
	if (verb === 'resume' && runs) throw died(`CT ${container.vmid} already running`);
	return cluster.tasks.start(container.node, `vz${verb}`, container.vmid, caller, async (work) => {
		checkUnlocked(container);
		if (verb === 'resume' && !container.suspended)
			throw died(`command 'lxc-checkpoint -n ${container.vmid} -r' failed: exit code 1`);
		await work.wait(TASK_MS.vzstop);
		if (verb === 'suspend') cluster.markStopped(container);
		else cluster.markRunning(container, 0);
		container.suspended = verb === 'suspend';
		cluster.changed();
	});
}

/** @throws PveError 500 when the storage is offline, of another kind, or lacks the bytes */
export function checkSpace(
	cluster: ApiCall['cluster'],
	storageName: string,
	node: string,
	bytes: number
): void {
	const storage = cluster.storage(storageName);
	if (!storage.content.includes('rootdir')) {
		throw died(`storage '${storageName}' does not support container directories`);
	}
	if (storage.offline) throw died(`storage '${storageName}' is not online`);
	if (storage.totalBytes - cluster.storageUsed(storage, node) < bytes) {
		throw died(`lvcreate '${storageName}' error: Insufficient free space: No space left on device`);
	}
}

/** Bytes that a copy of this container writes: what is in use, never more than its disk. */
export function copyBytes(cluster: ApiCall['cluster'], container: ContainerState): number {
	return Math.min(rootBytes(container) || Infinity, cluster.diskUsed(container));
}
