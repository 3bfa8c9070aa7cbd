import { Listing, type ApiCall, type Operation } from './api.ts';
import { versionOf } from './operations-cluster.ts';
import { died, forbidden, PveError } from './errors.ts';
import { count, flag, text, toFlag } from './parameters.ts';
import { may, requireAny } from './permissions.ts';
import { nodeCpu, nodeDisk, nodeHistory, nodeMemory, nodeRow } from './readings.ts';
import type { TaskState } from './state.ts';

const TIMEFRAME = {
	type: 'string',
	enum: ['hour', 'day', 'week', 'month', 'year', 'decade']
} as const;
export const HISTORY_RULES = {
	timeframe: TIMEFRAME,
	cf: { type: 'string', optional: true, enum: ['AVERAGE', 'MAX'] }
} as const;

/** Every node's network: one card, one bridge for guests on it, one for a closed network. */
const INTERFACES = [
	{
		iface: 'eno1',
		type: 'eth',
		method: 'manual',
		method6: 'manual',
		families: ['inet'],
		exists: 1,
		active: 1,
		priority: 3
	},
	...['vmbr0', 'vmbr1'].map((iface, index) => ({
		iface,
		type: 'bridge',
		method: index === 0 ? 'static' : 'manual',
		method6: 'manual',
		families: ['inet'],
		active: 1,
		autostart: 1,
		bridge_ports: index === 0 ? 'eno1' : '',
		bridge_stp: 'off',
		bridge_fd: '0',
		priority: 4 + index,
		...(index === 0
			? { address: '10.10.20.1', netmask: '24', cidr: '10.10.20.1/24', gateway: '10.10.0.1' }
			: {})
	}))
];

export const nodeOperations: Operation[] = [
	{
		method: 'GET',
		path: '/nodes',
		run: ({ cluster }) => cluster.state.nodes.map((node) => nodeRow(cluster, node))
	},
	{
		method: 'GET',
		path: '/nodes/:node/version',
		run: ({ cluster, params }) => versionOf(cluster.node(params.node!))
	},
	{
		method: 'GET',
		path: '/nodes/:node/status',
		run: ({ cluster, caller, params }) => {
			requireAny(cluster, caller, `/nodes/${params.node}`, ['Sys.Audit']);
			const node = cluster.node(params.node!);
			const used = nodeMemory(cluster, node);
			const disk = nodeDisk(cluster, node);
			const load = (nodeCpu(cluster, node) * node.cores).toFixed(2);
			const { version, repoid } = versionOf(node);
			return {
				cpu: nodeCpu(cluster, node),
				cpuinfo: {
					cores: node.cores / 2,
					cpus: node.cores,
					sockets: 1,
					model: 'AMD EPYC 7313P 16-Core Processor',
					mhz: '3000.000',
					hvm: '1',
					user_hz: 100,
					flags: 'fpu vme sse2 avx2'
				},
				memory: {
					total: node.memoryBytes,
					used,
					free: node.memoryBytes - used,
					available: node.memoryBytes - used
				},
				swap: { total: 8 * 1024 ** 3, used: 0, free: 8 * 1024 ** 3 },
				rootfs: {
					total: node.rootBytes,
					used: disk,
					free: node.rootBytes - disk,
					avail: node.rootBytes - disk
				},
				loadavg: [load, load, load],
				wait: 0,
				idle: 0,
				uptime: Math.max(0, cluster.now() - node.bootedAt),
				pveversion: `pve-manager/${version}/${repoid}`,
				kversion: 'Linux 6.17.4-1-pve #1 SMP PREEMPT_DYNAMIC',
				'current-kernel': {
					sysname: 'Linux',
					release: '6.17.4-1-pve',
					version: '#1 SMP PREEMPT_DYNAMIC',
					machine: 'x86_64'
				},
				'boot-info': { mode: 'efi', secureboot: 0 },
				ksm: { shared: 0 }
			};
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/time',
		run: ({ cluster, caller, params }) => {
			requireAny(cluster, caller, `/nodes/${params.node}`, ['Sys.Audit']);
			const time = Math.floor(cluster.now() + (cluster.node(params.node!).clockAheadS ?? 0));
			return { timezone: 'Etc/UTC', time, localtime: time };
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/network',
		rules: { type: text },
		run: ({ input }) =>
			INTERFACES.filter(({ type }) => {
				if (!input.type) return true;
				return input.type.startsWith('any_') ? type === 'bridge' : type === input.type;
			})
	},
	{
		method: 'GET',
		path: '/nodes/:node/rrddata',
		rules: HISTORY_RULES,
		run: ({ cluster, caller, params, input }) => {
			requireAny(cluster, caller, `/nodes/${params.node}`, ['Sys.Audit']);
			return nodeHistory(cluster, cluster.node(params.node!), input.timeframe!);
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/tasks',
		rules: {
			vmid: { type: 'integer', optional: true, minimum: 100 },
			source: { type: 'string', optional: true, enum: ['archive', 'active', 'all'] },
			typefilter: text,
			statusfilter: text,
			userfilter: text,
			errors: flag,
			start: count,
			limit: count,
			since: count,
			until: count
		},
		run: listTasks
	},
	{
		method: 'GET',
		path: '/nodes/:node/tasks/:upid/status',
		run: (call) => {
			const task = taskOf(call);
			return {
				upid: task.upid,
				node: task.node,
				pid: task.pid,
				pstart: task.pstart,
				starttime: task.starttime,
				type: task.type,
				id: task.id,
				user: task.user,
				tokenid: task.tokenid,
				status: task.endtime === undefined ? 'running' : 'stopped',
				exitstatus: task.exitstatus
			};
		}
	},
	{
		method: 'GET',
		path: '/nodes/:node/tasks/:upid/log',
		rules: { start: count, limit: count, download: flag },
		run: (call) => {
			const task = taskOf(call);
			const start = Number(call.input.start ?? 0);
			// Without a limit PVE sends fifty lines, whatever the log holds.
			const limit = Number(call.input.limit ?? 50);
			const all = task.log.length > 0 ? task.log : ['no content'];
			const lines = all.map((line, index) => ({ n: index + 1, t: line }));
			return new Listing(lines.slice(start, limit === 0 ? undefined : start + limit), lines.length);
		}
	},
	{
		method: 'DELETE',
		path: '/nodes/:node/tasks/:upid',
		run: (call) => {
			const task = taskOf(call);
			if (task.user !== call.caller.user) {
				requireAny(call.cluster, call.caller, `/nodes/${task.node}`, ['Sys.Modify']);
			}
			call.cluster.tasks.stop(task.upid);
			return null;
		}
	}
];

function listTasks({ cluster, caller, params, input }: ApiCall): Listing {
	const mayAll = may(cluster, caller, `/nodes/${params.node}`, 'Sys.Audit');
	const source = input.source ?? 'archive';
	const rows = cluster.state.tasks.filter((task) => {
		const running = task.endtime === undefined;
		if (task.node !== params.node || (!mayAll && task.user !== caller.user)) return false;
		if ((source === 'active' && !running) || (source === 'archive' && running)) return false;
		if (input.vmid && task.id !== input.vmid) return false;
		if (input.typefilter && task.type !== input.typefilter) return false;
		if (input.since && task.starttime < Number(input.since)) return false;
		if (input.until && task.starttime > Number(input.until)) return false;
		return !toFlag(input.errors) || (!running && task.exitstatus !== 'OK');
	});
	rows.reverse();
	const start = Number(input.start ?? 0);
	return new Listing(
		rows.slice(start, start + Number(input.limit ?? 50)).map((task) => ({
			upid: task.upid,
			node: task.node,
			pid: task.pid,
			pstart: task.pstart,
			starttime: task.starttime,
			type: task.type,
			id: task.id,
			user: task.user,
			...(task.tokenid ? { tokenid: task.tokenid } : {}),
			...(task.endtime === undefined ? {} : { endtime: task.endtime, status: task.exitstatus })
		})),
		rows.length
	);
}

function taskOf({ cluster, caller, params }: ApiCall): TaskState {
	const upid = params.upid!;
	const owner = /^UPID:([^:]+):[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:]+:[^:]*:[^:]+:$/i.exec(
		upid
	)?.[1];
	if (!owner)
		throw new PveError(400, 'Parameter verification failed.', {
			upid: 'unable to parse worker upid'
		});
	if (owner !== params.node) throw died('no such task');
	const task = cluster.tasks.find(upid);
	if (!task) throw died('no such task');
	if (task.user !== caller.user && !may(cluster, caller, `/nodes/${task.node}`, 'Sys.Audit')) {
		throw forbidden(`/nodes/${task.node}`, 'Sys.Audit');
	}
	return task;
}
