import { z } from 'zod';
import type { CallRecorder } from '../record.ts';
import { highAvailability } from './highAvailability.server.ts';
import { nodeOfTask, waitTask, type WaitOptions } from './tasks.ts';
import { terminals } from './terminal.server.ts';
import { connect, type ProxmoxConfig } from './transport.server.ts';
import {
	clusterStatusSchema,
	configSchema,
	containerSchema,
	contentSchema,
	interfaceSchema,
	migratePreconditionsSchema,
	nodeStatusSchema,
	nodeTimeSchema,
	resourceSchema,
	snapshotSchema,
	storageSchema,
	taskLogSchema,
	taskRowSchema,
	taskStatusSchema,
	upidSchema,
	versionSchema,
	volumeSchema,
	type CloneParameters,
	type CreateParameters,
	type Parameters
} from './types.ts';

export type { ProxmoxConfig } from './transport.server.ts';

const part = encodeURIComponent;

/**
 * Client of one Proxmox node, which serves its whole cluster. Changes answer with the UPID of a task that was accepted,
 * not done: `waitTask` says how it ended.
 * @throws ProxmoxError from every function
 */
export function proxmox(config: ProxmoxConfig, record: CallRecorder) {
	const transport = connect(config, record);
	const read = <T>(
		operation: string,
		path: string,
		answer: z.ZodType<T>,
		parameters?: Parameters
	) => transport.send({ operation, method: 'GET', path, parameters, answer });
	const change = <T>(
		operation: string,
		method: 'POST' | 'PUT' | 'DELETE',
		path: string,
		answer: z.ZodType<T>,
		parameters?: Parameters,
		key?: string
	) => transport.send({ operation, method, path, parameters, answer, key });
	const lxc = (node: string, vmid: number) => `/nodes/${part(node)}/lxc/${vmid}`;
	const power =
		(verb: string) =>
		(node: string, vmid: number, parameters: Parameters = {}) =>
			change(
				`lxc.${verb}`,
				'POST',
				`${lxc(node, vmid)}/status/${verb}`,
				upidSchema,
				parameters,
				String(vmid)
			);

	const taskStatus = (upid: string) =>
		read(
			'task.status',
			`/nodes/${part(nodeOfTask(upid))}/tasks/${part(upid)}/status`,
			taskStatusSchema
		);

	return {
		...highAvailability(transport),
		version: () => read('version', '/version', versionSchema),
		clusterStatus: () => read('cluster.status', '/cluster/status', clusterStatusSchema),
		/** Everything of the cluster in one answer; `type` narrows it. */
		resources: (type?: 'vm' | 'storage' | 'node') =>
			read('cluster.resources', '/cluster/resources', z.array(resourceSchema), { type }),
		nodeStatus: (node: string) =>
			read('node.status', `/nodes/${part(node)}/status`, nodeStatusSchema),
		/** Bridges that guests can be connected to. */
		bridges: (node: string) =>
			read('node.network', `/nodes/${part(node)}/network`, z.array(interfaceSchema), {
				type: 'any_bridge'
			}),
		/** Every member that this token may know of; answers without the right to look at the cluster. */
		nodeNames: () => read('node.list', '/nodes', z.array(z.looseObject({ node: z.string() }))),
		/** Its clock, in whole seconds. */
		nodeTime: (node: string) => read('node.time', `/nodes/${part(node)}/time`, nodeTimeSchema),
		permissions: () =>
			read(
				'access.permissions',
				'/access/permissions',
				z.record(z.string(), z.record(z.string(), z.coerce.number()))
			),
		containerConfig: (node: string, vmid: number) =>
			read('lxc.config', `${lxc(node, vmid)}/config`, configSchema),
		containerStatus: (node: string, vmid: number) =>
			read('lxc.status', `${lxc(node, vmid)}/status/current`, containerSchema),
		/** Copies `vmid`, which stays locked (`disk`) until the task ends. The static address is copied as well. */
		clone: (node: string, vmid: number, parameters: CloneParameters) =>
			change(
				'lxc.clone',
				'POST',
				`${lxc(node, vmid)}/clone`,
				upidSchema,
				parameters,
				String(parameters.newid)
			),
		/** A new container, unprivileged unless the call says otherwise (the API's own default is privileged). */
		create: (node: string, parameters: CreateParameters) =>
			change(
				'lxc.create',
				'POST',
				`/nodes/${part(node)}/lxc`,
				upidSchema,
				{ unprivileged: true, ...parameters },
				String(parameters.vmid)
			),
		/** Synchronous. `delete` names options to remove, `digest` refuses when somebody else changed the file. */
		setConfig: (node: string, vmid: number, parameters: Parameters) =>
			change(
				'lxc.config.set',
				'PUT',
				`${lxc(node, vmid)}/config`,
				z.null(),
				parameters,
				String(vmid)
			),
		/** @param size `20G`, or `+5G`; disks never shrink */
		resize: (node: string, vmid: number, size: string, disk = 'rootfs') =>
			change(
				'lxc.resize',
				'PUT',
				`${lxc(node, vmid)}/resize`,
				upidSchema,
				{ disk, size },
				String(vmid)
			),
		start: power('start'),
		/** Asks the system inside to end; without `forceStop` the task fails when it has not after `timeout` seconds. */
		shutdown: power('shutdown'),
		/** Pulls the plug: a database inside may lose its last writes. */
		stop: power('stop'),
		reboot: power('reboot'),
		/** Stopped containers only, unless `force`. `purge` removes it from backup jobs and HA too. */
		destroy: (node: string, vmid: number, options: { force?: boolean; purge?: boolean } = {}) =>
			change(
				'lxc.destroy',
				'DELETE',
				lxc(node, vmid),
				upidSchema,
				{ ...options, 'destroy-unreferenced-disks': true },
				String(vmid)
			),
		snapshots: (node: string, vmid: number) =>
			read('lxc.snapshots', `${lxc(node, vmid)}/snapshot`, z.array(snapshotSchema)),
		snapshot: (node: string, vmid: number, parameters: { snapname: string; description: string }) =>
			change(
				'lxc.snapshot',
				'POST',
				`${lxc(node, vmid)}/snapshot`,
				upidSchema,
				parameters,
				String(vmid)
			),
		/** Stops it hard, gives disk and configuration back as they were, and starts it again with `start`. */
		rollback: (node: string, vmid: number, snapname: string, parameters: { start: boolean }) =>
			change(
				'lxc.rollback',
				'POST',
				`${lxc(node, vmid)}/snapshot/${part(snapname)}/rollback`,
				upidSchema,
				parameters,
				String(vmid)
			),
		deleteSnapshot: (node: string, vmid: number, snapname: string) =>
			change(
				'lxc.snapshot.delete',
				'DELETE',
				`${lxc(node, vmid)}/snapshot/${part(snapname)}`,
				upidSchema,
				{},
				String(vmid)
			),
		/** What Proxmox would say to a migration; releases before 9 answer 501. */
		migratePreconditions: (node: string, vmid: number, target: string) =>
			read('lxc.migrate.check', `${lxc(node, vmid)}/migrate`, migratePreconditionsSchema, {
				target
			}),
		/** A running one needs `restart`: it is shut down within `timeout` seconds, and started on the other node. */
		migrate: (
			node: string,
			vmid: number,
			parameters: { target: string; restart?: boolean; timeout?: number }
		) =>
			change(
				'lxc.migrate',
				'POST',
				`${lxc(node, vmid)}/migrate`,
				upidSchema,
				parameters,
				String(vmid)
			),
		/** The container's own console. */
		terminal: terminals(config, transport),
		/** Answers null when that node has nothing to back up. */
		vzdump: (node: string, parameters: Parameters & { vmid: number; storage: string }) =>
			change(
				'vzdump',
				'POST',
				`/nodes/${part(node)}/vzdump`,
				z.union([upidSchema, z.literal('OK').transform(() => null)]),
				{ mode: 'snapshot', compress: 'zstd', remove: false, ...parameters },
				String(parameters.vmid)
			),

		/** Makes a stopped container one that is copied and never started again; some releases answer with a task. */
		toTemplate: (node: string, vmid: number) =>
			change(
				'lxc.template',
				'POST',
				`${lxc(node, vmid)}/template`,
				upidSchema.nullable(),
				{},
				String(vmid)
			),
		storages: (node: string, content?: string) =>
			read('storage.list', `/nodes/${part(node)}/storage`, z.array(storageSchema), { content }),
		storageContent: (
			node: string,
			storage: string,
			filter: { content?: string; vmid?: number } = {}
		) =>
			read(
				'storage.content',
				`/nodes/${part(node)}/storage/${part(storage)}/content`,
				z.array(contentSchema),
				filter
			),
		/** Where a volume lies on the node, and its size in bytes. */
		volume: (node: string, volid: string) =>
			read(
				'storage.volume',
				`/nodes/${part(node)}/storage/${part(volid.split(':')[0] ?? '')}/content/${part(volid)}`,
				volumeSchema
			),
		deleteVolume: (node: string, volid: string) =>
			change(
				'storage.delete',
				'DELETE',
				`/nodes/${part(node)}/storage/${part(volid.split(':')[0] ?? '')}/content/${part(volid)}`,
				upidSchema.nullable(),
				{},
				volid
			),

		/** Tasks of a node, newest first; running ones too unless `source` says otherwise. */
		tasks: (
			node: string,
			filter: {
				vmid?: number;
				source?: 'all' | 'active' | 'archive';
				typefilter?: string;
				limit?: number;
			} = {}
		) =>
			read('task.list', `/nodes/${part(node)}/tasks`, z.array(taskRowSchema), {
				source: 'all',
				...filter
			}),
		taskStatus,
		/** The log's lines from `start`; Proxmox itself would send only fifty. */
		taskLog: (upid: string, start = 0, limit = 1000) =>
			read('task.log', `/nodes/${part(nodeOfTask(upid))}/tasks/${part(upid)}/log`, taskLogSchema, {
				start,
				limit
			}),
		stopTask: (upid: string) =>
			change(
				'task.stop',
				'DELETE',
				`/nodes/${part(nodeOfTask(upid))}/tasks/${part(upid)}`,
				z.null(),
				{},
				upid
			),
		waitTask: (upid: string, options: WaitOptions) => waitTask(taskStatus, upid, options)
	};
}

export type ProxmoxClient = ReturnType<typeof proxmox>;
