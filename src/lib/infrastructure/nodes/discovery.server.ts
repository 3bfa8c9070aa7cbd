import { GIB, MIB } from '#lib/core/bytes.ts';
import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { ClusterResource } from '#lib/integrations/proxmox/types.ts';
import { ipOf, rootVolumeOf } from '../containers/configs.ts';
import { readMark } from '../containers/marks.ts';
import { askCluster } from './clients.server.ts';
import type { Findings, FoundGuest, FoundTemplate } from './discovery.ts';
import { missingPrivileges } from './privileges.ts';

/** Configurations that are read at a time, and in all unless they are needed: each is a request of its own. */
const AT_A_TIME = 8;
const MOST_CONFIGS = 200;

/**
 * Asks a node for everything that an enrolment shows and needs. Only reads. What the token may not see is left unknown,
 * so that a token that lacks rights is told which.
 * @param chosen VMIDs whose configuration is needed, however many there are
 * @throws {ProxmoxError} when the node does not answer, is no Proxmox, or does not accept the token
 */
export async function discover(
	proxmox: ProxmoxClient,
	chosen: ReadonlySet<number> = new Set()
): Promise<Findings> {
	const { version } = await proxmox.version();
	const permissions = await allowed(() => proxmox.permissions());
	const status = await allowed(() => proxmox.clusterStatus());
	const members = status?.flatMap((row) => (row.type === 'node' ? [row] : [])) ?? [];
	const clusterName = status?.find((row) => row.type === 'cluster')?.name ?? null;
	const node = members.find(({ local }) => local)?.name ?? (await onlyNode(proxmox));
	const names = members.map(({ name }) => name);
	const found: Findings = {
		at: now().toISOString(),
		version,
		node,
		clusterName,
		members: names,
		clusterId: node && names.length > 0 ? await knownCluster(clusterName, members) : null,
		missing: permissions && missingPrivileges(permissions),
		capacity: null,
		storages: null,
		bridges: null,
		guests: null,
		templates: null
	};
	if (!node) return found;
	const [machine, storages, bridges, guests] = await Promise.all([
		allowed(() => proxmox.nodeStatus(node)),
		allowed(() => proxmox.storages(node)),
		allowed(() => proxmox.bridges(node)),
		allowed(() => proxmox.resources('vm'))
	]);
	return {
		...found,
		capacity: machine && {
			cpuCores: machine.cpuinfo.cpus,
			ramMb: Math.floor(machine.memory.total / MIB)
		},
		storages:
			storages?.map((one) => ({
				name: one.storage,
				type: one.type,
				content: one.content.split(','),
				shared: one.shared,
				active: one.active,
				totalGb: one.total / GIB,
				usedGb: one.used / GIB
			})) ?? null,
		bridges: bridges?.map(({ iface, cidr }) => ({ name: iface, cidr: cidr ?? null })) ?? null,
		...(guests ? await lookAtGuests(proxmox, guests, node, chosen) : {})
	};
}

/** Null where the token may not look: the missing privilege says why. */
async function allowed<T>(read: () => Promise<T>): Promise<T | null> {
	try {
		return await read();
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind === 'forbidden') return null;
		throw error;
	}
}

/** Without the right to look at the cluster a host that stands alone still says its name. */
async function onlyNode(proxmox: ProxmoxClient): Promise<string | null> {
	const nodes = (await allowed(() => proxmox.nodeNames())) ?? [];
	return nodes.length === 1 ? nodes[0]!.node : null;
}

/** A node as its cluster names it. */
interface Member {
	name: string;
	ip?: string | null | undefined;
}

/**
 * The row of the cluster that these nodes form. Names alone prove nothing, since half the world's hosts are called pve: a
 * node of the row is asked whether its members are the same, at the same addresses.
 */
async function knownCluster(name: string | null, members: Member[]): Promise<string | null> {
	const candidates = await db.cluster.findMany({
		where: { nodes: { some: { name: { in: members.map((one) => one.name) }, removedAt: null } } },
		select: { id: true }
	});
	for (const { id } of candidates) {
		try {
			const said = await askCluster(id, {}, (client) => client.clusterStatus());
			const theirs = said.flatMap((row) => (row.type === 'node' ? [row] : []));
			const theirName = said.find((row) => row.type === 'cluster')?.name ?? null;
			if (name !== null && theirName === name && areSame(theirs, members)) return id;
		} catch (error) {
			// Nobody of it answers us now: then nobody can say that it is the same.
			if (!(error instanceof ProxmoxError)) throw error;
		}
	}
	return null;
}

/** Two clusters may well have nodes of the same names, but hardly at the same addresses: we reach both. */
function areSame(some: Member[], others: Member[]): boolean {
	const known = new Map(some.map((one) => [one.name, one.ip]));
	return (
		some.length === others.length &&
		others.every(({ name, ip }) => {
			const theirs = known.get(name);
			return known.has(name) && (!ip || !theirs || ip === theirs);
		})
	);
}

async function lookAtGuests(
	proxmox: ProxmoxClient,
	resources: ClusterResource[],
	node: string,
	chosen: ReadonlySet<number>
): Promise<{ guests: FoundGuest[]; templates: FoundTemplate[] }> {
	const rows = resources
		.filter(({ vmid, node: host }) => vmid !== undefined && host !== undefined)
		.toSorted((a, b) => a.vmid! - b.vmid!);
	const isTemplate = (row: ClusterResource) => row.type === 'lxc' && row.template;
	const isChosen = (row: ClusterResource) => chosen.has(row.vmid!);
	const wanted = rows
		.filter((row) => row.type === 'lxc' && (row.node === node || isTemplate(row)))
		.toSorted((a, b) => Number(isChosen(b)) - Number(isChosen(a)));
	const most = Math.max(MOST_CONFIGS, wanted.filter(isChosen).length);
	const configs = new Map<number, FoundGuest>();
	for (let from = 0; from < Math.min(wanted.length, most); from += AT_A_TIME) {
		await Promise.all(
			wanted.slice(from, Math.min(most, from + AT_A_TIME)).map(async (row) => {
				configs.set(row.vmid!, await withConfig(proxmox, row));
			})
		);
	}
	const shown = (row: ClusterResource) => configs.get(row.vmid!) ?? plain(row);
	return {
		guests: rows.filter((row) => row.node === node && !isTemplate(row)).map(shown),
		templates: rows.filter(isTemplate).map((row) => ({ ...shown(row), node: row.node! }))
	};
}

async function withConfig(proxmox: ProxmoxClient, row: ClusterResource): Promise<FoundGuest> {
	const bare = plain(row);
	try {
		const config = await proxmox.containerConfig(row.node!, row.vmid!);
		return {
			...bare,
			cpuCores: config.cores ?? bare.cpuCores,
			ramMb: config.memory ?? bare.ramMb,
			ip: ipOf(config.net0),
			rootVolume: rootVolumeOf(config.rootfs),
			markedAs: readMark(config.description)?.containerId ?? null
		};
	} catch (error) {
		// It went away, its node is down, or we may not read it: the list says as much as it does.
		if (error instanceof ProxmoxError) return bare;
		throw error;
	}
}

function plain(row: ClusterResource): FoundGuest {
	return {
		vmid: row.vmid!,
		type: row.type === 'qemu' ? 'qemu' : 'lxc',
		name: row.name ?? `CT${row.vmid}`,
		running: row.status === 'running',
		template: row.template,
		cpuCores: Math.max(1, Math.ceil(row.maxcpu ?? 1)),
		ramMb: Math.round((row.maxmem ?? 0) / MIB),
		diskGb: Math.ceil((row.maxdisk ?? 0) / GIB),
		ip: null,
		rootVolume: null,
		markedAs: null
	};
}
