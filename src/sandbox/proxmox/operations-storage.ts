import { createHash } from 'node:crypto';
import type { ApiCall, Operation } from './api.ts';
import { rootBytes, rootStorage } from './cluster.ts';
import { TASK_MS } from './durations.ts';
import { died } from './errors.ts';
import { count, flag, text, toFlag } from './parameters.ts';
import { may, requireAny } from './permissions.ts';
import { storageRow } from './readings.ts';
import type { StorageState } from './state.ts';
import { vzdump } from './vzdump.ts';

/** Storages, their content, and the backups that fill them. */
export const storageOperations: Operation[] = [
	{
		method: 'GET',
		path: '/storage',
		run: ({ cluster, caller }) =>
			cluster.state.storages
				.filter((storage) => may(cluster, caller, `/storage/${storage.storage}`, 'Datastore.Audit'))
				.map((storage) => ({
					storage: storage.storage,
					type: storage.type,
					content: storage.content.join(','),
					shared: storage.shared ? 1 : 0,
					digest: createHash('sha1').update(storage.storage).digest('hex')
				}))
	},
	{
		method: 'GET',
		path: '/nodes/:node/storage',
		rules: { content: text, storage: text, enabled: flag, format: flag, target: text },
		run: ({ cluster, caller, params, input }) => {
			const wanted = input.content?.split(',');
			return cluster.state.storages
				.filter((storage) => may(cluster, caller, `/storage/${storage.storage}`, 'Datastore.Audit'))
				.filter((storage) => !wanted || storage.content.some((kind) => wanted.includes(kind)))
				.filter((storage) => !input.storage || storage.storage === input.storage)
				.map((storage) => storageRow(cluster, storage, params.node!));
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/storage/:storage/status',
		run: (call) => {
			const { storage: _name, ...status } = storageRow(
				call.cluster,
				storageOf(call),
				call.params.node!
			);
			return status;
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/storage/:storage/content',
		rules: { content: text, vmid: { type: 'integer', optional: true, minimum: 100 } },
		run: (call) => {
			const storage = storageOf(call);
			if (storage.offline) throw died(`storage '${storage.storage}' is not online`);
			return contentOf(call, storage).filter(
				(row) =>
					(!call.input.content || row.content === call.input.content) &&
					(!call.input.vmid || String(row.vmid) === call.input.vmid)
			);
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/storage/:storage/content/:volume',
		run: (call) => {
			const storage = storageOf(call);
			const volid = volidOf(call);
			const row = contentOf(call, storage).find((one) => one.volid === volid);
			if (!row) throw died(`volume '${volid}' does not exist`);
			return {
				path: `/mnt/pve/${storage.storage}/${volid.split(':')[1]!.replace(/^backup\//, 'dump/')}`,
				size: row.size,
				used: row.size,
				format: row.format,
				...(row.notes ? { notes: row.notes } : {}),
				...(row.protected ? { protected: row.protected } : {})
			};
		}
	},
	{
		method: 'PUT',
		path: '/nodes/:node/storage/:storage/content/:volume',
		rules: { notes: text, protected: flag },
		run: (call) => {
			const backup = call.cluster.state.backups.find((one) => one.volid === volidOf(call));
			if (!backup) throw died(`volume '${volidOf(call)}' does not exist`);
			requireAny(call.cluster, call.caller, `/storage/${backup.storage}`, ['Datastore.Allocate']);
			if (call.input.notes !== undefined) backup.notes = call.input.notes;
			if (call.input.protected !== undefined)
				backup.protected = toFlag(call.input.protected) === true;
			call.cluster.changed();
			return null;
		}
	},
	{
		method: 'DELETE',
		path: '/nodes/:node/storage/:storage/content/:volume',
		rules: { delay: count },
		run: removeVolume
	},
	{
		method: 'POST',
		path: '/nodes/:node/vzdump',
		rules: {
			vmid: { type: 'string', optional: true, pattern: /^\d+([,; ]\d+)*$/ },
			storage: text,
			mode: { type: 'string', optional: true, enum: ['snapshot', 'suspend', 'stop'] },
			compress: { type: 'string', optional: true, enum: ['0', '1', 'gzip', 'lzo', 'zstd'] },
			'notes-template': { type: 'string', optional: true, maxLength: 1024 },
			protected: flag,
			'prune-backups': text,
			remove: flag,
			bwlimit: count,
			zstd: count,
			all: flag,
			quiet: flag
		},
		run: vzdump
	}
];

function storageOf({ cluster, caller, params }: ApiCall): StorageState {
	requireAny(cluster, caller, `/storage/${params.storage}`, [
		'Datastore.Audit',
		'Datastore.AllocateSpace'
	]);
	return cluster.storage(params.storage!);
}

/** The path takes the whole volid or only what follows the storage's name. */
function volidOf({ params }: ApiCall): string {
	return params.volume!.includes(':') ? params.volume! : `${params.storage}:${params.volume}`;
}

interface ContentRow {
	volid: string;
	content: string;
	format: string;
	size: number;
	ctime: number;
	vmid?: number;
	notes?: string;
	protected?: number;
	subtype?: string;
}

function contentOf({ cluster, params }: ApiCall, storage: StorageState): ContentRow[] {
	const rows: ContentRow[] = storage.volumes.map((volume) => ({
		...volume,
		content: volume.volid.split(':')[1]!.split('/')[0]!
	}));
	for (const backup of cluster.state.backups) {
		if (backup.storage !== storage.storage || (!storage.shared && backup.node !== params.node))
			continue;
		rows.push({
			volid: backup.volid,
			content: 'backup',
			format: 'tar.zst',
			subtype: 'lxc',
			size: backup.size,
			ctime: backup.ctime,
			vmid: backup.vmid,
			...(backup.notes ? { notes: backup.notes.split('\n')[0] } : {}),
			...(backup.protected ? { protected: 1 } : {})
		});
	}
	for (const container of Object.values(cluster.state.containers)) {
		if (rootStorage(container) !== storage.storage || container.config.rootfs === undefined)
			continue;
		if (!storage.shared && container.node !== params.node) continue;
		rows.push({
			volid: String(container.config.rootfs).split(',')[0]!,
			content: 'rootdir',
			format: 'raw',
			size: rootBytes(container),
			ctime: container.createdAt,
			vmid: container.vmid
		});
	}
	return rows;
}

function removeVolume(call: ApiCall): string {
	const { cluster, caller, params } = call;
	const volid = volidOf(call);
	requireAny(cluster, caller, `/storage/${params.storage}`, [
		'Datastore.Allocate',
		'Datastore.AllocateSpace'
	]);
	const storage = cluster.storage(params.storage!);
	const backup = cluster.state.backups.find((one) => one.volid === volid);
	const isVolume = storage.volumes.some((volume) => volume.volid === volid);
	if (!backup && !isVolume) throw died(`volume '${volid}' does not exist`);
	if (backup?.protected) throw died(`can't remove protected archive ${volid}`);
	return cluster.tasks.start(
		params.node!,
		'imgdel',
		`${volid.split(':')[1]}@${storage.storage}`,
		caller,
		async (work) => {
			await work.wait(TASK_MS.imgdel);
			cluster.state.backups = cluster.state.backups.filter((one) => one !== backup);
			storage.volumes = storage.volumes.filter((volume) => volume.volid !== volid);
			cluster.changed();
		}
	);
}
