import type { ApiCall } from './api.ts';
import { checkUnlocked, joinOptions, netOptions, type Cluster } from './cluster.ts';
import { restoreArchive } from './archive.ts';
import { BOOT_MS, TASK_MS } from './durations.ts';
import { died, forbidden, invalid } from './errors.ts';
import { checkSpace } from './operations-lxc.ts';
import { CONFIG_RULES, configValue, toFlag } from './parameters.ts';
import { may, requireAny } from './permissions.ts';
import { GIB, type BackupState, type ConfigValue, type ContainerState } from './state.ts';

/** POST /nodes/{node}/lxc: a new container from a template, or one restored from a backup (`restore=1`). */
export function createOrRestore(call: ApiCall): string {
	const { cluster, caller, params, input } = call;
	const vmid = Number(input.vmid);
	const node = params.node!;
	const restore = toFlag(input.restore) === true;
	const existing = cluster.state.containers[vmid];
	const mayBackup = restore && existing && may(cluster, caller, `/vms/${vmid}`, 'VM.Backup');
	if (!mayBackup) {
		requireAny(cluster, caller, input.pool ? `/pool/${input.pool}` : `/vms/${vmid}`, [
			'VM.Allocate'
		]);
	}
	if (input.features && !/^nesting=[01]$/.test(input.features)) {
		// Tokens are never root@pam, which alone may set the other features.
		throw forbidden(
			`/vms/${vmid}`,
			'changing feature flags (except nesting) is only allowed for root@pam'
		);
	}
	if (existing) {
		if (!restore || !toFlag(input.force)) {
			throw died(
				`unable to ${restore ? 'restore' : 'create'} CT ${vmid} - CT ${vmid} already exists on node '${existing.node}'`
			);
		}
		if (existing.node !== node) throw died(`CT ${vmid} already exists on node '${existing.node}'`);
		checkUnlocked(existing);
		if (existing.status === 'running') throw died(`CT ${vmid} is running, cannot restore over it`);
	}
	const storage = (input.rootfs ?? input.storage ?? 'local').split(':')[0]!;
	requireAny(cluster, caller, `/storage/${storage}`, ['Datastore.AllocateSpace']);
	const archive = restore ? backupOf(cluster, input.ostemplate!, node) : null;
	if (!restore) checkTemplate(cluster, input.ostemplate!);

	const sizeGib = Number(/:(\d+(?:\.\d+)?)/.exec(input.rootfs ?? '')?.[1] ?? 4);
	if (input.rootfs && !/^[\w-]+:\d/.test(input.rootfs)) {
		throw invalid({ rootfs: 'invalid format - format error' });
	}
	const wanted = optionsOf(cluster, input);
	const container: ContainerState = existing ?? {
		vmid,
		node,
		config: {},
		pending: {},
		status: 'stopped',
		...(input.pool ? { pool: input.pool } : {}),
		startedAt: null,
		readyAtMs: 0,
		createdAt: cluster.now(),
		snapshots: []
	};
	const before = { ...container.config };
	container.config = { ...before, lock: 'create' };
	cluster.state.containers[vmid] = container;
	cluster.changed();
	return cluster.tasks.start(
		node,
		restore ? 'vzrestore' : 'vzcreate',
		vmid,
		caller,
		async (work) => {
			work.onFailure(() => {
				if (existing) container.config = before;
				else delete cluster.state.containers[vmid];
				cluster.changed();
			});
			checkSpace(cluster, storage, node, GIB);
			work.log(`Logical volume "vm-${vmid}-disk-0" created.`);
			work.log(`extracting archive '${input.ostemplate}'`);
			await work.wait(restore ? TASK_MS.vzrestore : TASK_MS.vzcreate);
			const restored = archive ? restoreArchive(archive) : null;
			if (restored) cluster.guests.restore(vmid, restored.guest);
			const base: Record<string, ConfigValue> = restored?.config ?? {
				arch: 'amd64',
				memory: 512,
				ostype: 'debian',
				swap: 512,
				unprivileged: 0
			};
			const rootSize = restored && !input.rootfs ? sizeText(base.rootfs, sizeGib) : `${sizeGib}G`;
			container.config = {
				...base,
				...wanted,
				rootfs: `${storage}:vm-${vmid}-disk-0,size=${rootSize}`
			};
			// What the archive says about privileges stays, whatever the call asks for.
			if (restored && base.unprivileged !== undefined)
				container.config.unprivileged = base.unprivileged;
			delete container.config.lock;
			if (toFlag(input.unique)) renewMacs(cluster, container);
			if (toFlag(input.start)) cluster.markRunning(container, BOOT_MS);
			cluster.changed();
		}
	);
}

function sizeText(rootfs: ConfigValue | undefined, otherwiseGib: number): string {
	return /size=([^,]+)/.exec(String(rootfs ?? ''))?.[1] ?? `${otherwiseGib}G`;
}

function optionsOf(cluster: Cluster, input: Record<string, string>): Record<string, ConfigValue> {
	const options: Record<string, ConfigValue> = {};
	for (const [key, value] of Object.entries(input)) {
		const base = key.replace(/\d+$/, '');
		if (key === 'rootfs' || !(key in CONFIG_RULES || (base !== key && base in CONFIG_RULES)))
			continue;
		options[key] = /^net\d+$/.test(key) ? netValue(cluster, value) : configValue(key, value);
	}
	return options;
}

/** A network option as it is stored: with a MAC of its own and its type. */
export function netValue(cluster: Cluster, value: string, before?: ConfigValue): string {
	const known = netOptions(before);
	return joinOptions({
		type: 'veth',
		hwaddr: known.hwaddr ?? cluster.newMac(),
		...netOptions(value)
	});
}

function renewMacs(cluster: Cluster, container: ContainerState): void {
	for (const key of Object.keys(container.config)) {
		if (!/^net\d+$/.test(key)) continue;
		container.config[key] = joinOptions({
			...netOptions(container.config[key]),
			hwaddr: cluster.newMac()
		});
	}
}

function checkTemplate(cluster: Cluster, volid: string): void {
	const storage = cluster.storage(volid.split(':')[0]!);
	if (!storage.volumes.some((volume) => volume.volid === volid)) {
		throw died(`volume '${volid}' does not exist`);
	}
}

function backupOf(cluster: Cluster, volid: string, node: string): BackupState {
	const storage = cluster.storage(volid.split(':')[0]!);
	const backup = cluster.state.backups.find(
		(candidate) => candidate.volid === volid && (storage.shared || candidate.node === node)
	);
	if (!backup) throw died(`volume '${volid}' does not exist`);
	return backup;
}
