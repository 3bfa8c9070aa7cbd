import type { ApiCall, Operation } from './api.ts';
import { TASK_MS } from './durations.ts';
import { died } from './errors.ts';
import { haOf, type HaResource, type NodeAffinity } from './ha.ts';
import { count, flag, text, toFlag, type Rules } from './parameters.ts';
import { requireAny } from './permissions.ts';

const sid = { type: 'string' as const, pattern: /^((ct|vm):)?\d{3,9}$/ };
const state = {
	type: 'string' as const,
	optional: true,
	enum: ['started', 'stopped', 'enabled', 'disabled', 'ignored']
};
const RESOURCE: Rules = {
	...{ state, comment: text, failback: flag },
	...{ max_restart: count, max_relocate: count, digest: text }
};
const RULE: Rules = {
	...{ resources: text, nodes: text, strict: flag, disable: flag, comment: text, digest: text }
};

/** High availability as PVE 9.1 has it: groups are gone, rules came instead. */
export const haOperations: Operation[] = [
	{
		method: 'GET',
		path: '/cluster/ha/resources',
		rules: { type: { type: 'string', optional: true, enum: ['ct', 'vm'] } },
		run: (call) => audited(call).state.resources.map((one) => resourceRow(one))
	},
	{
		method: 'POST',
		path: '/cluster/ha/resources',
		rules: { sid, type: text, group: text, ...RESOURCE },
		run: createResource
	},
	{
		method: 'GET',
		path: '/cluster/ha/resources/:sid',
		run: (call) => resourceRow(resource(call, 'Sys.Audit'))
	},
	{
		method: 'PUT',
		path: '/cluster/ha/resources/:sid',
		rules: { delete: text, group: text, ...RESOURCE },
		run: (call) => {
			const found = resource(call, 'Sys.Console');
			Object.assign(found, given(call.input));
			haOf(call.cluster).converge(found);
			return null;
		}
	},
	{
		method: 'DELETE',
		path: '/cluster/ha/resources/:sid',
		rules: { purge: flag },
		run: (call) => {
			const found = resource(call, 'Sys.Console');
			const ha = haOf(call.cluster);
			if (toFlag(call.input.purge)) {
				const jobs = ha.state.jobs;
				ha.forget(Number(found.sid.slice(3)));
				// The rules go with it, what is replicated stays.
				ha.state.jobs = jobs;
			}
			ha.state.resources = ha.state.resources.filter((one) => one !== found);
			ha.changed();
			return null;
		}
	},
	{
		method: 'POST',
		path: '/cluster/ha/resources/:sid/migrate',
		rules: { node: { type: 'string' } },
		run: (call) => {
			const found = resource(call, 'Sys.Console');
			const target = call.input.node!;
			call.cluster.node(target);
			const source = call.cluster.state.containers[found.sid.slice(3)]?.node;
			// The manager does it with its next rounds, by a task of its own.
			if (source && source !== target)
				call.cluster.tasks.start(
					source,
					'hamigrate',
					Number(found.sid.slice(3)),
					call.caller,
					(work) =>
						work.wait(TASK_MS.vzmigrate).then(() => haOf(call.cluster).relocate(found, target))
				);
			return { sid: found.sid, 'requested-node': target };
		}
	},
	{
		method: 'GET',
		path: '/cluster/ha/rules',
		rules: { type: text, resource: text },
		run: (call) =>
			audited(call)
				.state.rules.filter(
					({ resources }) =>
						!call.input.resource || resources.split(',').includes(call.input.resource)
				)
				.map(ruleRow)
	},
	{
		method: 'POST',
		path: '/cluster/ha/rules',
		rules: {
			rule: { type: 'string', pattern: /^[a-zA-Z][\w-]+$/ },
			type: { type: 'string', enum: ['node-affinity'] },
			...RULE
		},
		run: createRule
	},
	{
		method: 'DELETE',
		path: '/cluster/ha/rules/:rule',
		run: (call) => {
			requireAny(call.cluster, call.caller, '/', ['Sys.Console']);
			const ha = haOf(call.cluster);
			if (!ha.state.rules.some(({ rule }) => rule === call.params.rule))
				throw died(`no such ha rule '${call.params.rule}'`);
			ha.state.rules = ha.state.rules.filter(({ rule }) => rule !== call.params.rule);
			ha.changed();
			return null;
		}
	},
	{ method: 'GET', path: '/cluster/ha/status/current', run: currentStatus }
];

function audited(call: ApiCall) {
	requireAny(call.cluster, call.caller, '/', ['Sys.Audit']);
	return haOf(call.cluster);
}

function resource(call: ApiCall, privilege: string): HaResource {
	requireAny(call.cluster, call.caller, '/', [privilege]);
	const wanted = fullSid(call.params.sid!);
	const found = haOf(call.cluster).state.resources.find((one) => one.sid === wanted);
	if (!found) throw died(`no such resource '${wanted}'`);
	return found;
}

function fullSid(value: string): string {
	return /^\d+$/.test(value) ? `ct:${value}` : value;
}

/** `enabled` is the old word for `started`. */
const STATES: Record<string, HaResource['state']> = {
	...{ started: 'started', enabled: 'started', stopped: 'stopped' },
	...{ disabled: 'disabled', ignored: 'ignored' }
};

function given(input: Record<string, string>): Partial<HaResource> {
	const asked = STATES[input.state ?? ''];
	return {
		...(asked && { state: asked }),
		...(input.max_restart !== undefined && { max_restart: Number(input.max_restart) }),
		...(input.max_relocate !== undefined && { max_relocate: Number(input.max_relocate) }),
		...(input.failback !== undefined && { failback: toFlag(input.failback) ?? true }),
		...(input.comment !== undefined && { comment: input.comment })
	};
}

function createResource(call: ApiCall): null {
	requireAny(call.cluster, call.caller, '/', ['Sys.Console']);
	const { cluster, input } = call;
	const wanted = fullSid(input.sid!);
	const ha = haOf(cluster);
	if (input.group) throw died('HA groups have been migrated to rules');
	if (!cluster.state.containers[wanted.slice(3)])
		throw died(`unable to find CT '${wanted.slice(3)}'`);
	if (ha.state.resources.some((one) => one.sid === wanted))
		throw died(`create resource failed: resource ID '${wanted}' already defined`);
	const made: HaResource = {
		...{ sid: wanted, state: 'started', max_restart: 1, max_relocate: 1 },
		...{ failback: true, crm: 'queued', ...given(input) }
	};
	ha.state.resources.push(made);
	ha.converge(made);
	return null;
}

function createRule(call: ApiCall): null {
	requireAny(call.cluster, call.caller, '/', ['Sys.Console']);
	const { input } = call;
	const ha = haOf(call.cluster);
	if (ha.state.rules.some(({ rule }) => rule === input.rule))
		throw died(`HA rule '${input.rule}' already defined`);
	const unmanaged = (input.resources ?? '')
		.split(',')
		.filter((one) => !ha.state.resources.some((known) => known.sid === fullSid(one)));
	if (unmanaged.length > 0) throw died(`cannot use unmanaged resource(s) ${unmanaged.join(', ')}.`);
	ha.state.rules.push({
		...{ rule: input.rule!, resources: input.resources ?? '', nodes: input.nodes ?? '' },
		...{ strict: toFlag(input.strict) ?? false, disable: toFlag(input.disable) ?? false },
		...(input.comment !== undefined && { comment: input.comment })
	});
	ha.changed();
	return null;
}

function resourceRow(one: HaResource): Record<string, unknown> {
	const { crm: _crm, failback, ...rest } = one;
	return { ...rest, type: one.sid.split(':')[0], failback: failback ? 1 : 0, digest: '' };
}

function ruleRow(one: NodeAffinity): Record<string, unknown> {
	return {
		...{ ...one, type: 'node-affinity', strict: one.strict ? 1 : 0 },
		...{ disable: one.disable ? 1 : 0, digest: '' }
	};
}

function currentStatus(call: ApiCall): Record<string, unknown>[] {
	const { state: ha } = audited(call);
	const { nodes, containers } = call.cluster.state;
	const alive = nodes.filter(({ online }) => online);
	const isQuorate = alive.length > nodes.length / 2;
	const now = call.cluster.now();
	return [
		{
			...{ id: 'quorum', type: 'quorum', node: call.local, quorate: isQuorate ? 1 : 0 },
			status: isQuorate ? 'OK' : `No quorum on node '${call.local}'!`
		},
		...alive.slice(0, 1).map(({ name }) => ({
			...{ id: 'master', type: 'master', node: name, timestamp: now },
			status: `${name} (active, now)`
		})),
		...nodes.map(({ name, online }) => ({
			...{ id: `lrm:${name}`, type: 'lrm', node: name, timestamp: online ? now : now - 60 },
			status: `${name} (${online ? 'active' : 'old timestamp - dead?'}, now)`
		})),
		...ha.resources.map((one) => {
			const node = containers[one.sid.slice(3)]?.node ?? '---';
			return {
				...{ id: `service:${one.sid}`, type: 'service', sid: one.sid, node },
				...{ state: one.crm, crm_state: one.crm, request_state: one.state },
				...{ max_restart: one.max_restart, max_relocate: one.max_relocate },
				...{ failback: one.failback ? 1 : 0, status: `${one.sid} (${node}, ${one.crm})` }
			};
		})
	];
}
