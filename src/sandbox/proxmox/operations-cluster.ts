import { randomUUID } from 'node:crypto';
import type { Operation } from './api.ts';
import { died, forbidden, invalid } from './errors.ts';
import { flag, count, text, toFlag } from './parameters.ts';
import { isRole, may, privilegesOn, requireAny, roleNames } from './permissions.ts';
import { isQuorate } from './quorum.ts';
import { resources } from './readings.ts';
import type { NodeState } from './state.ts';

const VERSION = { version: '9.1.6', release: '9.1', repoid: '71482d1833ded40a' };

/** What a node says it runs; an older release where the control says so. */
export function versionOf(node: NodeState | undefined): typeof VERSION {
	if (!node?.version) return VERSION;
	return { ...VERSION, version: node.version, release: node.version.replace(/\.\d+$/, '') };
}

export const clusterOperations: Operation[] = [
	{
		method: 'GET',
		path: '/version',
		run: ({ cluster, local }) => versionOf(cluster.state.nodes.find(({ name }) => name === local))
	},
	{
		method: 'GET',
		path: '/cluster/status',
		run: ({ cluster, local, caller }) => {
			requireAny(cluster, caller, '/', ['Sys.Audit']);
			const { nodes, name, version } = cluster.state;
			return [
				{
					type: 'cluster',
					id: 'cluster',
					name,
					nodes: nodes.length,
					quorate: isQuorate(cluster) ? 1 : 0,
					version
				},
				...nodes.map((node) => ({
					type: 'node',
					id: `node/${node.name}`,
					name: node.name,
					ip: node.ip,
					nodeid: node.nodeid,
					online: node.online ? 1 : 0,
					local: node.name === local ? 1 : 0,
					level: ''
				}))
			];
		}
	},
	{
		method: 'GET',
		path: '/cluster/resources',
		rules: { type: { type: 'string', optional: true, enum: ['vm', 'storage', 'node', 'sdn'] } },
		run: ({ cluster, caller, input }) => resources(cluster, caller, input.type)
	},
	{
		method: 'GET',
		path: '/cluster/nextid',
		rules: { vmid: { type: 'integer', optional: true, minimum: 100, maximum: 999_999_999 } },
		run: ({ cluster, input }) => {
			const taken = cluster.state.containers;
			if (input.vmid !== undefined) {
				if (taken[input.vmid]) throw invalid({ vmid: `VM ${input.vmid} already exists` });
				return input.vmid;
			}
			let next = 100;
			while (taken[next]) next += 1;
			return String(next);
		}
	},
	{
		method: 'GET',
		path: '/cluster/tasks',
		run: ({ cluster, caller }) =>
			cluster.state.tasks
				.filter(
					(task) =>
						task.user === caller.user || may(cluster, caller, `/nodes/${task.node}`, 'Sys.Audit')
				)
				.slice(-25)
				.reverse()
				.map((task) => ({
					upid: task.upid,
					node: task.node,
					type: task.type,
					id: task.id,
					user: task.user,
					tokenid: task.tokenid,
					starttime: task.starttime,
					endtime: task.endtime,
					status: task.exitstatus
				}))
	},
	{
		method: 'GET',
		path: '/access/permissions',
		rules: { path: text, userid: text },
		run: ({ cluster, caller, input }) => {
			const paths = input.path
				? [input.path]
				: [
						'/',
						'/access',
						'/nodes',
						'/pool',
						'/sdn',
						'/storage',
						'/vms',
						...cluster.state.acl.map((entry) => entry.path)
					];
			const held: Record<string, Record<string, number>> = {};
			for (const path of paths) {
				const privileges = [...privilegesOn(cluster, caller, path)].sort();
				if (privileges.length > 0)
					held[path] = Object.fromEntries(privileges.map((name) => [name, 1]));
			}
			return held;
		}
	},
	{ method: 'GET', path: '/access/roles', run: () => roleNames() },
	{
		method: 'GET',
		path: '/access/acl',
		run: ({ cluster }) =>
			cluster.state.acl.map((entry) => ({
				path: entry.path,
				ugid: entry.ugid,
				type: entry.ugid.includes('!') ? 'token' : 'user',
				roleid: entry.role,
				propagate: entry.propagate ? 1 : 0
			}))
	},
	{
		method: 'PUT',
		path: '/access/acl',
		rules: {
			path: { type: 'string' },
			roles: { type: 'string' },
			users: text,
			tokens: text,
			propagate: flag,
			delete: flag
		},
		run: ({ cluster, caller, input }) => {
			requireAny(cluster, caller, input.path!, ['Permissions.Modify']);
			const role = input.roles!;
			if (!isRole(role)) throw died(`role '${role}' does not exist`);
			for (const ugid of `${input.users ?? ''},${input.tokens ?? ''}`.split(',').filter(Boolean)) {
				cluster.state.acl = cluster.state.acl.filter(
					(entry) => !(entry.path === input.path && entry.ugid === ugid && entry.role === role)
				);
				if (toFlag(input.delete)) continue;
				const propagate = input.propagate === undefined || toFlag(input.propagate) === true;
				cluster.state.acl.push({ path: input.path!, ugid, role, propagate });
			}
			cluster.changed();
			return null;
		}
	},
	{
		method: 'GET',
		path: '/access/users/:userid/token',
		run: ({ cluster, params }) =>
			cluster.state.tokens
				.filter((token) => token.user === params.userid)
				.map((token) => ({
					tokenid: token.id.split('!')[1],
					privsep: token.privsep ? 1 : 0,
					expire: token.expire,
					comment: token.comment
				}))
	},
	{
		method: 'GET',
		path: '/access/users/:userid/token/:tokenid',
		run: ({ cluster, params }) => {
			const token = cluster.state.tokens.find(
				(one) => one.id === `${params.userid}!${params.tokenid}`
			);
			if (!token) throw died(`no such token '${params.tokenid}' for user '${params.userid}'`);
			return { privsep: token.privsep ? 1 : 0, expire: token.expire, comment: token.comment };
		}
	},
	{
		method: 'POST',
		path: '/access/users/:userid/token/:tokenid',
		rules: { privsep: flag, expire: count, comment: text },
		run: ({ cluster, caller, params, input }) => {
			if (params.userid !== caller.user && !may(cluster, caller, '/access', 'User.Modify')) {
				throw forbidden('/access', 'User.Modify');
			}
			const id = `${params.userid}!${params.tokenid}`;
			if (cluster.state.tokens.some((token) => token.id === id)) {
				throw invalid({ tokenid: 'Token already exists.' });
			}
			const privsep = input.privsep === undefined || toFlag(input.privsep) === true;
			const expire = Number(input.expire ?? 0);
			const comment = input.comment ?? '';
			const value = randomUUID();
			cluster.state.tokens.push({
				id,
				user: params.userid!,
				secret: value,
				privsep,
				expire,
				comment
			});
			cluster.changed();
			return {
				'full-tokenid': id,
				value,
				info: { privsep: privsep ? '1' : '0', comment, expire: String(expire) }
			};
		}
	},
	{
		method: 'DELETE',
		path: '/access/users/:userid/token/:tokenid',
		run: ({ cluster, caller, params }) => {
			if (params.userid !== caller.user) requireAny(cluster, caller, '/access', ['User.Modify']);
			const id = `${params.userid}!${params.tokenid}`;
			if (!cluster.state.tokens.some((token) => token.id === id)) {
				throw died(`no such token '${params.tokenid}' for user '${params.userid}'`);
			}
			cluster.state.tokens = cluster.state.tokens.filter((token) => token.id !== id);
			cluster.state.acl = cluster.state.acl.filter((entry) => entry.ugid !== id);
			cluster.changed();
			return null;
		}
	}
];
