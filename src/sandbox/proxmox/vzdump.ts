import type { ApiCall } from './api.ts';
import { makeArchive } from './archive.ts';
import { checkUnlocked } from './cluster.ts';
import { TASK_MS } from './durations.ts';
import { died, invalid } from './errors.ts';
import { toFlag } from './parameters.ts';
import { requireAny } from './permissions.ts';
import type { ContainerState } from './state.ts';

/** POST /nodes/{node}/vzdump: writes an archive of each container that is on this node. */
export function vzdump(call: ApiCall): string {
	const { cluster, caller, params, input } = call;
	const node = params.node!;
	const ids = (input.vmid ?? '').split(/[,; ]/).filter(Boolean);
	if (ids.length === 0) throw invalid({ vmid: 'property is missing and it is not optional' });
	for (const id of ids) requireAny(cluster, caller, `/vms/${id}`, ['VM.Backup']);
	const storage = cluster.storage(input.storage ?? 'local');
	requireAny(cluster, caller, `/storage/${storage.storage}`, ['Datastore.AllocateSpace']);
	if (!storage.content.includes('backup')) {
		throw invalid({ storage: `storage '${storage.storage}' does not support backups` });
	}
	const here = ids
		.map((id) => cluster.state.containers[id])
		.filter((container): container is ContainerState => container?.node === node);
	// Nothing to do on this node is a success without a task.
	if (here.length === 0) return 'OK';
	return cluster.tasks.start(
		node,
		'vzdump',
		ids.length === 1 ? ids[0]! : '',
		caller,
		async (work) => {
			for (const container of here) {
				checkUnlocked(container);
				if (storage.offline)
					throw died(`could not activate storage '${storage.storage}': storage is not online`);
				container.config.lock = 'backup';
				cluster.changed();
				work.onFailure(() => {
					if (container.config.lock === 'backup') delete container.config.lock;
					cluster.changed();
				});
				const ctime = cluster.now();
				work.log(`INFO: Starting Backup of VM ${container.vmid} (lxc)`);
				await work.wait(TASK_MS.vzdump);
				delete container.config.lock;
				const { content, sha256 } = makeArchive(container, cluster.guests.save(container.vmid));
				if (storage.totalBytes - cluster.storageUsed(storage, node) < content.length) {
					throw died(`job errors`);
				}
				const stamp = new Date(ctime * 1000)
					.toISOString()
					.slice(0, 19)
					.replace(/[-:]/g, '_')
					.replace('T', '-');
				const file = `vzdump-lxc-${container.vmid}-${stamp}.tar.zst`;
				cluster.state.backups.push({
					volid: `${storage.storage}:backup/${file}`,
					storage: storage.storage,
					node,
					vmid: container.vmid,
					ctime,
					notes: notesOf(input['notes-template'] ?? '', container, node),
					protected: toFlag(input.protected) === true,
					content: content.toString('base64'),
					size: content.length,
					sha256
				});
				work.log(`INFO: creating vzdump archive '/mnt/pve/${storage.storage}/dump/${file}'`);
				work.log(`INFO: archive file size: ${(content.length / 1024).toFixed(0)}KB`);
				work.log(`INFO: Finished Backup of VM ${container.vmid}`);
				if (input.remove === undefined || toFlag(input.remove))
					prune(call, container.vmid, storage.storage);
			}
			work.log('INFO: Backup job finished successfully');
		}
	);
}

function notesOf(template: string, container: ContainerState, node: string): string {
	const values: Record<string, string> = {
		guestname: String(container.config.hostname ?? ''),
		node,
		vmid: String(container.vmid),
		cluster: ''
	};
	return template
		.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole)
		.replace(/\\n/g, '\n');
}

/** `keep-last=n`: older, unprotected backups of the same container go. */
function prune({ cluster, input }: ApiCall, vmid: number, storage: string): void {
	const keep = Number(/keep-last=(\d+)/.exec(input['prune-backups'] ?? '')?.[1] ?? 0);
	if (keep === 0) return;
	const mine = cluster.state.backups.filter(
		(one) => one.vmid === vmid && one.storage === storage && !one.protected
	);
	const doomed = new Set(mine.slice(0, Math.max(0, mine.length - keep)));
	cluster.state.backups = cluster.state.backups.filter((one) => !doomed.has(one));
}
