import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { addressOf, clusterOf, isTemplate, lockOf, type Cluster } from './cluster.ts';
import { joinNode } from './join.ts';
import { isRole } from './permissions.ts';
import { GIB } from './state.ts';
import { addStranger, tamper, vanish } from './tamper.ts';

/** What happens to a cluster without the product: power cuts, full disks, somebody else's hand. */
export function proxmoxControlRoutes(kernel: Kernel): Route[] {
	const cluster = clusterOf(kernel);
	const base = '/__sandbox/proxmox';
	const route = (
		method: string,
		path: string,
		run: (params: Record<string, string>, body: Body) => object | null | Promise<object | null>
	): Route => ({
		method,
		path: `${base}${path}`,
		run: async (request, params): Promise<SandboxResponse> => {
			const result = await run(params, bodyOf(request));
			if (!result) return { status: 404, body: { error: 'no such object' } };
			cluster.changed();
			return { status: 200, body: result };
		}
	});
	return [
		route('GET', '/nodes', () => cluster.state.nodes),
		route('POST', '/nodes', () => joinNode(cluster)),
		route('POST', '/nodes/:node', ({ node: name }, body) => {
			const node = cluster.state.nodes.find((one) => one.name === name);
			if (!node) return null;
			const number = numbers(body);
			node.cores = number('cores') ?? node.cores;
			node.extraCores = number('busy_cores') ?? node.extraCores;
			const gib = (key: string, otherwise: number) => (number(key) ?? otherwise / GIB) * GIB;
			node.memoryBytes = gib('memory_gib', node.memoryBytes);
			node.rootBytes = gib('disk_gib', node.rootBytes);
			node.extraMemoryBytes = gib('used_memory_gib', node.extraMemoryBytes);
			if (body.version === null) delete node.version;
			if (typeof body.version === 'string') node.version = body.version;
			// Either way: a clock may be slow, too.
			if (typeof body.clock_ahead_s === 'number') node.clockAheadS = body.clock_ahead_s;
			if (typeof body.online === 'boolean') cluster.setOnline(node.name, body.online);
			return node;
		}),
		route('GET', '/containers', () =>
			Object.values(cluster.state.containers).map((one) => shown(cluster, one.vmid))
		),
		route('POST', '/containers/:vmid', ({ vmid = '' }, body) => {
			const container = cluster.state.containers[vmid];
			if (!container) return null;
			// Somebody else's lock, or a lock that somebody clears by hand.
			if (typeof body.lock === 'string') container.config.lock = body.lock;
			if (body.lock === null) delete container.config.lock;
			if (body.status === 'stopped') cluster.markStopped(container);
			tamper(cluster, container, body);
			if (typeof body.ignores_shutdown === 'boolean')
				container.ignoresShutdown = body.ignores_shutdown;
			if (typeof body.odoo_version === 'number')
				cluster.guests.install(container.vmid, body.odoo_version);
			const guest = cluster.guests.get(container.vmid);
			if (guest && typeof body.odoo_active === 'boolean') guest.active = body.odoo_active;
			if (guest && typeof body.list_db === 'boolean') guest.listDb = body.list_db;
			if (guest && typeof body.dbfilter === 'string') guest.dbfilter = body.dbfilter;
			if (guest && typeof body.master_password === 'string')
				guest.masterPassword = body.master_password;
			cluster.guests.changed();
			return shown(cluster, container.vmid);
		}),
		route('POST', '/containers', (_params, body) => {
			const made = addStranger(cluster, body);
			return made && shown(cluster, made.vmid);
		}),
		route('DELETE', '/containers/:vmid', ({ vmid = '' }) => vanish(cluster, vmid)),
		route('POST', '/storages/:storage', ({ storage: name }, body) => {
			const storage = cluster.state.storages.find((one) => one.storage === name);
			if (!storage) return null;
			const number = numbers(body);
			const node = typeof body.node === 'string' && !storage.shared ? body.node : '*';
			const filled = number('filled_gib');
			if (filled !== undefined) {
				const places =
					storage.shared || node !== '*' ? [node] : cluster.state.nodes.map((one) => one.name);
				for (const place of places) storage.filled[place] = filled * GIB;
			}
			storage.totalBytes = (number('total_gib') ?? storage.totalBytes / GIB) * GIB;
			if (typeof body.online === 'boolean') storage.offline = !body.online;
			return storage;
		}),
		route('POST', '/roles', (_params, body) => {
			const { ugid, role, path } = body;
			if (
				typeof ugid !== 'string' ||
				typeof role !== 'string' ||
				typeof path !== 'string' ||
				!isRole(role)
			)
				return null;
			cluster.state.acl = cluster.state.acl.filter(
				(entry) => !(entry.ugid === ugid && entry.path === path)
			);
			cluster.state.acl.push({ ugid, role, path, propagate: true });
			return cluster.state.acl;
		}),
		route('GET', '/tasks', () => cluster.state.tasks.slice(-100).reverse())
	];
}

type Body = Record<string, unknown>;

function bodyOf(request: SandboxRequest): Body {
	const text = request.body.toString('utf8');
	const parsed: unknown = text ? JSON.parse(text) : {};
	return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}

function numbers(body: Body): (key: string) => number | undefined {
	return (key) => {
		const value = body[key];
		return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
	};
}

function shown(cluster: Cluster, vmid: number): Record<string, unknown> {
	const container = cluster.state.containers[vmid]!;
	const guest = cluster.guests.get(vmid);
	return {
		vmid,
		node: container.node,
		name: container.config.hostname,
		status: container.status,
		lock: lockOf(container),
		template: isTemplate(container),
		address: addressOf(container),
		description: container.config.description ?? '',
		tags: container.config.tags ?? '',
		cores: container.config.cores,
		memory_mib: container.config.memory,
		odoo: guest && {
			version: guest.version,
			active: guest.active,
			databases: Object.values(guest.databases).map(({ name, complete, users, parameters }) => ({
				name,
				complete,
				logins: users.filter((user) => user.active).map((user) => user.login),
				parameters
			}))
		}
	};
}
