import type {
	HaRequest,
	HaResource,
	HaRule,
	HaStatusRow,
	ReplicationJob,
	ReplicationStatus
} from '#lib/integrations/proxmox/highAvailability.server.ts';
import { readMark } from '../containers/marks.ts';

/** What Proxmox must have of a container that has a second node. */
export interface HaWanted {
	containerId: string;
	vmid: number;
	/** Written as comment on everything that is ours, as `writeMark` has it. */
	mark: string;
	/** Names of the node that it is on, and of the one that takes over. */
	node: string;
	partner: string;
	/** Its disks are sent to the partner; false: both have the storage. */
	replicated: boolean;
	/** `*\/5`, as Proxmox has it. */
	schedule: string;
	/** Whether it is to run. */
	running: boolean;
	/** Somebody has looked into why the manager gave up on it, and wants it to try again. */
	again?: boolean;
}

/** What Proxmox has that is about this container. */
export interface HaSeen {
	resource: HaResource | null;
	/** Rules that name it, whoever made them. */
	rules: HaRule[];
	jobs: ReplicationJob[];
	/** Of the job to the partner; null: its node does not know of it yet. */
	copy: ReplicationStatus | null;
	/** How the manager sees it; null: not at all. */
	service: HaStatusRow | null;
	/** Names of the nodes that are online. */
	online: Set<string>;
}

export type HaStep =
	| { do: 'ready' }
	| { do: 'wait'; for: 'replicating' | 'ha_starting' }
	| { do: 'drop_replication'; id: string; force: boolean }
	| { do: 'replicate'; id: string }
	| { do: 'reschedule'; id: string }
	| { do: 'manage'; state: HaRequest }
	| { do: 'request'; state: HaRequest }
	| { do: 'drop_rule'; rule: string }
	| { do: 'make_rule'; rule: string };

/** The name of a container's rule. */
export function ruleName(vmid: number): string {
	return `erpcore-ct${vmid}`;
}

/**
 * The one thing to do next so that a container fails over to its partner, decided from what is there. First the copy: a
 * container that is looked after before its disks are elsewhere would be moved to a node that does not have them.
 */
export function nextHaStep(wanted: HaWanted, seen: HaSeen): HaStep {
	return copyStep(wanted, seen) ?? serviceStep(wanted, seen);
}

function copyStep(wanted: HaWanted, { jobs, copy, online }: HaSeen): HaStep | null {
	const leads = (job: ReplicationJob) => wanted.replicated && job.target === wanted.partner;
	const stray = jobs.find((job) => !leads(job) && isOurs(job, wanted) && !job.remove_job);
	if (stray) return { do: 'drop_replication', id: stray.id, force: !online.has(stray.target) };
	if (!wanted.replicated) return null;
	const job = jobs.find(leads);
	if (!job) return { do: 'replicate', id: freeId(wanted.vmid, jobs) };
	// One that is on its way out, with the copy: then another one is made.
	if (job.remove_job) return { do: 'wait', for: 'replicating' };
	if (job.disable || (isOurs(job, wanted) && job.schedule !== wanted.schedule))
		return { do: 'reschedule', id: job.id };
	return copy && copy.last_sync > 0 ? null : { do: 'wait', for: 'replicating' };
}

function serviceStep(wanted: HaWanted, { resource, rules, service }: HaSeen): HaStep {
	const state = wanted.running ? 'started' : 'stopped';
	if (!resource) return { do: 'manage', state };
	if (service?.crm_state === 'error') {
		// The manager forgets an error when it is told to leave the container alone, and with its next round.
		const isHeard = resource.state === 'disabled' || !wanted.again;
		return isHeard ? { do: 'wait', for: 'ha_starting' } : { do: 'request', state: 'disabled' };
	}
	const isAsked = resource.state === state || (wanted.running && resource.state === 'enabled');
	if (!isAsked || comesBack(resource)) return { do: 'request', state };
	const rule = rules.find(({ rule }) => rule === ruleName(wanted.vmid));
	if (!rule) return { do: 'make_rule', rule: ruleName(wanted.vmid) };
	if (!isRuleOf(rule, wanted)) return { do: 'drop_rule', rule: rule.rule };
	return service?.crm_state === state ? { do: 'ready' } : { do: 'wait', for: 'ha_starting' };
}

/** Whether it would go home by itself when its node is back, which is one more interruption that nobody asked for. */
function comesBack({ failback }: HaResource): boolean {
	return !(failback === 0 || failback === false || failback === '0');
}

/** Whether a rule keeps a container on its two nodes, and on no other. */
function isRuleOf(rule: HaRule, { node, partner }: HaWanted): boolean {
	const names = rule.nodes.split(',').map((entry) => entry.split(':')[0]!.trim());
	const both = names.length === 2 && names.includes(node) && names.includes(partner);
	return rule.type === 'node-affinity' && !rule.disable && rule.strict && both;
}

/** Made by us for this container, and not for another one that had its VMID. */
function isOurs(
	one: { comment?: string | null },
	{ containerId }: Pick<HaWanted, 'containerId'>
): boolean {
	return readMark(one.comment)?.containerId === containerId;
}

function freeId(vmid: number, jobs: ReplicationJob[]): string {
	const taken = new Set(jobs.map(({ id }) => id));
	let number = 0;
	while (taken.has(`${vmid}-${number}`)) number += 1;
	return `${vmid}-${number}`;
}

/** What Proxmox has otherwise than it should, each side with what differs; null when nothing does. */
export function compareHa(
	wanted: HaWanted,
	{ resource, rules, jobs }: Pick<HaSeen, 'resource' | 'rules' | 'jobs'>
): { ours: Record<string, string>; theirs: Record<string, string> } | null {
	const ours: Record<string, string> = {};
	const theirs: Record<string, string> = {};
	const note = (field: string, wants: string, has: string | null) => {
		ours[field] = wants;
		if (has !== null) theirs[field] = has;
	};
	const state = wanted.running ? 'started' : 'stopped';
	if (resource?.state !== state) note('ha_state', state, resource?.state ?? null);
	const rule = rules.find((one) => one.rule === ruleName(wanted.vmid));
	if (!rule || !isRuleOf(rule, wanted))
		note('ha_nodes', [wanted.node, wanted.partner].sort().join(', '), rule?.nodes ?? null);
	const live = jobs.filter((job) => !job.disable && !job.remove_job);
	if (wanted.replicated && !live.some(({ target }) => target === wanted.partner))
		note('ha_copy', wanted.partner, live[0]?.target ?? null);
	return Object.keys(ours).length > 0 ? { ours, theirs } : null;
}

export type DropStep =
	| { do: 'gone' }
	| { do: 'wait' }
	| { do: 'forget' }
	| { do: 'drop_rule'; rule: string }
	| { do: 'drop_replication'; id: string; force: boolean };

/** The one thing to do next so that a container is looked after by nobody; what we did not make stays. */
export function nextDropStep(
	wanted: Pick<HaWanted, 'vmid' | 'containerId'>,
	seen: HaSeen
): DropStep {
	if (seen.resource) return { do: 'forget' };
	const rule = seen.rules.find((one) => one.rule === ruleName(wanted.vmid));
	if (rule) return { do: 'drop_rule', rule: rule.rule };
	const ours = seen.jobs.filter((job) => isOurs(job, wanted));
	const job = ours.find(({ remove_job: going }) => !going);
	if (job) return { do: 'drop_replication', id: job.id, force: !seen.online.has(job.target) };
	return ours.length > 0 ? { do: 'wait' } : { do: 'gone' };
}
