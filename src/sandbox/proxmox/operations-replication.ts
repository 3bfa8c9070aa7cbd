import type { ApiCall, Operation } from './api.ts';
import { rootStorage } from './cluster.ts';
import { TASK_MS } from './durations.ts';
import { died } from './errors.ts';
import { haOf, type ReplicationJob } from './ha.ts';
import { count, flag, text, toFlag, type Rules } from './parameters.ts';
import { may, requireAny } from './permissions.ts';

const JOB: Rules = {
	...{ schedule: text, rate: text, comment: text, disable: flag, digest: text }
};

/** Replication of disks between nodes; storages of type `zfspool` alone can do it. */
export const replicationOperations: Operation[] = [
	{
		method: 'GET',
		path: '/cluster/replication',
		run: (call) =>
			haOf(call.cluster)
				.state.jobs.filter(({ guest }) => mayAudit(call, guest))
				.map(jobRow)
	},
	{
		method: 'POST',
		path: '/cluster/replication',
		rules: {
			id: { type: 'string', pattern: /^[1-9]\d{2,8}-\d{1,9}$/ },
			type: { type: 'string', enum: ['local'] },
			target: { type: 'string' },
			...JOB
		},
		run: createJob
	},
	{
		method: 'GET',
		path: '/cluster/replication/:id',
		run: (call) => jobRow(job(call))
	},
	{
		method: 'PUT',
		path: '/cluster/replication/:id',
		rules: { delete: text, ...JOB },
		run: (call) => {
			requireAny(call.cluster, call.caller, '/storage', ['Datastore.Allocate']);
			const found = job(call);
			const { schedule, disable, comment } = call.input;
			if (schedule !== undefined) found.schedule = schedule;
			if (disable !== undefined) found.disable = toFlag(disable) ?? false;
			if (comment !== undefined) found.comment = comment;
			haOf(call.cluster).changed();
			return null;
		}
	},
	{
		method: 'DELETE',
		path: '/cluster/replication/:id',
		rules: { keep: flag, force: flag },
		run: (call) => {
			requireAny(call.cluster, call.caller, '/storage', ['Datastore.Allocate']);
			void haOf(call.cluster).removeJob(job(call), toFlag(call.input.force) ?? false);
			return null;
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/replication',
		rules: { guest: count },
		run: (call) =>
			haOf(call.cluster)
				.synced()
				.filter(
					({ guest }) =>
						call.cluster.state.containers[guest]?.node === call.params.node &&
						(!call.input.guest || String(guest) === call.input.guest) &&
						mayAudit(call, guest)
				)
				.map(jobStatus)
	},
	{
		method: 'POST',
		path: '/nodes/:node/replication/:id/schedule_now',
		run: (call) => {
			requireAny(call.cluster, call.caller, '/storage', ['Datastore.Allocate']);
			const found = job(call);
			void call.cluster.kernel
				.work('proxmox', TASK_MS.vzsnapshot)
				.then(() => haOf(call.cluster).sync(found));
			return null;
		}
	}
];

function mayAudit({ cluster, caller }: ApiCall, guest: number): boolean {
	return may(cluster, caller, `/vms/${guest}`, 'VM.Audit');
}

function createJob(call: ApiCall): null {
	requireAny(call.cluster, call.caller, '/storage', ['Datastore.Allocate']);
	const { cluster, input } = call;
	const ha = haOf(cluster);
	const guest = Number(input.id!.split('-')[0]);
	const container = cluster.state.containers[guest];
	if (!container) throw died(`no such guest '${guest}'`);
	if (ha.state.jobs.some(({ id }) => id === input.id))
		throw died(`replication job '${input.id}' already exists`);
	cluster.node(input.target!);
	if (container.node === input.target) throw died('source and target are the same node');
	const storage = cluster.storage(rootStorage(container));
	if (storage.type !== 'zfspool')
		throw died(`missing replicate feature on volume '${String(container.config.rootfs)}'`);
	const made: ReplicationJob = {
		...{ id: input.id!, guest, target: input.target!, schedule: input.schedule ?? '*/15' },
		...{ disable: toFlag(input.disable) ?? false, source: container.node },
		...(input.comment !== undefined && { comment: input.comment }),
		...{ lastSync: 0, lastTry: 0, duration: 0, failCount: 0, guestCopy: null }
	};
	ha.state.jobs.push(made);
	ha.changed();
	// pvesr looks for what is due every minute; the first sync is due at once.
	void cluster.kernel.work('proxmox', TASK_MS.vzsnapshot).then(() => ha.sync(made));
	return null;
}

function job(call: ApiCall): ReplicationJob {
	const found = haOf(call.cluster).state.jobs.find(({ id }) => id === call.params.id);
	if (!found || !mayAudit(call, found.guest))
		throw died(`no such replication job '${call.params.id}'`);
	return found;
}

function jobRow(one: ReplicationJob): Record<string, unknown> {
	return {
		...{ id: one.id, type: 'local', guest: one.guest, jobnum: one.id.split('-')[1] },
		...{ target: one.target, source: one.source, schedule: one.schedule },
		...(one.disable && { disable: 1 }),
		...(one.comment !== undefined && { comment: one.comment }),
		...(one.remove_job && { remove_job: one.remove_job })
	};
}

function jobStatus(one: ReplicationJob): Record<string, unknown> {
	return {
		...jobRow(one),
		...{ last_sync: one.lastSync, last_try: one.lastTry, duration: one.duration },
		...{ fail_count: one.failCount, ...(one.error && { error: one.error }) }
	};
}
