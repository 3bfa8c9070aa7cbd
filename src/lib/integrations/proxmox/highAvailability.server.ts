import { z } from 'zod';
import type { Transport } from './transport.server.ts';
import { flag, type Parameters } from './types.ts';

const number = z.coerce.number();

/** An entry of the resources that the HA manager looks after. */
const haResourceSchema = z.looseObject({
	/** `ct:201` */
	sid: z.string(),
	/** What was asked for: `started`, `stopped`, `disabled`, `ignored`; Proxmox leaves `started` out. */
	state: z.string().default('started'),
	failback: z.unknown().optional(),
	comment: z.string().nullish()
});

/** On which nodes resources may run; since Proxmox 9, which has rules where it had groups before. */
const haRuleSchema = z.looseObject({
	rule: z.string(),
	type: z.string(),
	/** `ct:201,ct:202` */
	resources: z.string().default(''),
	/** `pve1,pve2`, each maybe with a priority: `pve1:2` */
	nodes: z.string().default(''),
	strict: flag,
	disable: flag,
	comment: z.string().nullish()
});

/** A line of the manager's status: the quorum, its master, the nodes' agents, and each service. */
const haStatusSchema = z.looseObject({
	id: z.string(),
	type: z.string(),
	node: z.string().nullish(),
	status: z.string().nullish(),
	sid: z.string().nullish(),
	/** As the cluster's manager sees it: `started`, `fence`, `recovery`, `error` … */
	crm_state: z.string().nullish(),
	request_state: z.string().nullish()
});

/** `201-0`: the disks of a container, sent to one other node again and again. */
const replicationSchema = z.looseObject({
	id: z.string(),
	guest: number,
	target: z.string(),
	/** Calendar event of systemd: every fifteen minutes is the default and is left out. */
	schedule: z.string().default('*/15'),
	disable: flag,
	comment: z.string().nullish(),
	/** Set by a deletion that has not been carried out yet. */
	remove_job: z.string().nullish()
});

/** How the last send of it went, as the node of its container knows. */
const replicationStatusSchema = replicationSchema.extend({
	/** Unix seconds; 0: never. */
	last_sync: number.default(0),
	last_try: number.default(0),
	/** Seconds. */
	duration: number.nullish(),
	fail_count: number.default(0),
	error: z.string().nullish()
});

export type HaResource = z.output<typeof haResourceSchema>;
export type HaRule = z.output<typeof haRuleSchema>;
export type HaStatusRow = z.output<typeof haStatusSchema>;
export type ReplicationJob = z.output<typeof replicationSchema>;
export type ReplicationStatus = z.output<typeof replicationStatusSchema>;

/** What the manager is asked for: that a container runs, is stopped, or is left alone. */
export type HaRequest = 'started' | 'stopped' | 'disabled' | 'ignored';

const part = encodeURIComponent;
const sid = (vmid: number) => `ct:${vmid}`;

/**
 * High availability and replication of a cluster. Changes of the manager's configuration are accepted at once and carried
 * out by its next rounds, some ten seconds each: the status tells what became of them.
 */
export function highAvailability({ send }: Transport) {
	const read = <T>(
		operation: string,
		path: string,
		answer: z.ZodType<T>,
		parameters?: Parameters
	) => send({ operation, method: 'GET', path, answer, parameters });
	const change = (
		operation: string,
		method: 'POST' | 'PUT' | 'DELETE',
		path: string,
		parameters: Parameters,
		key: string
	) => send({ operation, method, path, answer: z.unknown(), parameters, key });

	return {
		haResources: () => read('ha.resources', '/cluster/ha/resources', z.array(haResourceSchema)),
		haStatus: () => read('ha.status', '/cluster/ha/status/current', z.array(haStatusSchema)),
		/** @throws ProxmoxError `exists` when it is looked after already */
		createHaResource: (
			vmid: number,
			parameters: { state: HaRequest; failback?: boolean; comment?: string }
		) =>
			change(
				'ha.resource.create',
				'POST',
				'/cluster/ha/resources',
				{ sid: sid(vmid), ...parameters },
				String(vmid)
			),
		setHaResource: (vmid: number, parameters: { state?: HaRequest; failback?: boolean }) =>
			change(
				'ha.resource.set',
				'PUT',
				`/cluster/ha/resources/${part(sid(vmid))}`,
				parameters,
				String(vmid)
			),
		/** The container itself stays as it is. It leaves the rules that name it as well. */
		deleteHaResource: (vmid: number) =>
			change(
				'ha.resource.delete',
				'DELETE',
				`/cluster/ha/resources/${part(sid(vmid))}`,
				{ purge: true },
				String(vmid)
			),
		/** @throws ProxmoxError `refused` before Proxmox 9 */
		haRules: () => read('ha.rules', '/cluster/ha/rules', z.array(haRuleSchema)),
		/** @param nodes their names, none better than another. Its container is a resource already. */
		createHaRule: (rule: string, parameters: { vmid: number; nodes: string[]; comment: string }) =>
			change(
				'ha.rule.create',
				'POST',
				'/cluster/ha/rules',
				{
					...{ rule, type: 'node-affinity', resources: sid(parameters.vmid) },
					...{ nodes: parameters.nodes.join(','), strict: true, comment: parameters.comment }
				},
				String(parameters.vmid)
			),
		deleteHaRule: (rule: string) =>
			change('ha.rule.delete', 'DELETE', `/cluster/ha/rules/${part(rule)}`, {}, rule),

		replicationJobs: () =>
			read('replication.list', '/cluster/replication', z.array(replicationSchema)),
		/** Of the containers that are on the node, which alone knows when their disks were sent. */
		replicationStatus: (node: string, vmid?: number) =>
			read(
				'replication.status',
				`/nodes/${part(node)}/replication`,
				z.array(replicationStatusSchema),
				{ guest: vmid }
			),
		/** @param id `201-0` @throws ProxmoxError `exists` */
		createReplication: (
			id: string,
			parameters: { target: string; schedule: string; comment: string }
		) =>
			change(
				'replication.create',
				'POST',
				'/cluster/replication',
				{ id, type: 'local', ...parameters },
				id.split('-')[0]!
			),
		setReplication: (id: string, parameters: { schedule: string; disable: boolean }) =>
			change(
				'replication.set',
				'PUT',
				`/cluster/replication/${part(id)}`,
				parameters,
				id.split('-')[0]!
			),
		/**
		 * Proxmox takes the copy away first, within minutes, and then the job.
		 * @param options `force`: the job goes at once and the copy stays, for a target that is dead
		 */
		deleteReplication: (id: string, options: { force?: boolean } = {}) =>
			change(
				'replication.delete',
				'DELETE',
				`/cluster/replication/${part(id)}`,
				options,
				id.split('-')[0]!
			)
	};
}
