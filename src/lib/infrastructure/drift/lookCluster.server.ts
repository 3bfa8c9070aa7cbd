import { MINUTE } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { ClusterResource, ContainerConfig } from '#lib/integrations/proxmox/types.ts';
import type { Found } from '#lib/logs/drifts.server.ts';
import { ipOf } from '../containers/configs.ts';
import { booksOf, type Books } from './books.server.ts';
import {
	addressTwice,
	compareBulk,
	compareConfig,
	limitsOf,
	strangerFound,
	type Booked,
	type Limits
} from './compare.ts';
import { haDrifts } from '../ha/haDrifts.server.ts';
import { heldContainers } from './held.server.ts';

/** What one look at one cluster found. */
export interface ClusterLook {
	found: Found[];
	/** Rows of which nothing can be said now: a run is at work on them, or their node is down. */
	open: Set<string>;
	/** Rows of which the cluster does not say how they are under high availability. */
	unguarded: Set<string>;
	/** How many of those are on each silent node. */
	silent: Map<string, number>;
	/** Containers that were there before us, whose rows have other limits than they. */
	grown: { id: string; limits: Limits }[];
	compared: { containers: number; guests: number; configs: number };
}

/** Containers whose configuration is read although the bulk shows nothing, at each look: all have their turn. */
const IN_TURN = 50;
/** Of more strangers than these only the name is told. */
const STRANGERS_READ = 200;
const EVERY = 10 * MINUTE;
const READS_AT_A_TIME = 8;

/**
 * Compares a cluster with our books: one answer for the whole of it, and the configurations of those alone that do not fit
 * in it, that were found to differ before, or whose turn it is.
 * @param differed rows of which an open difference can only be seen in their configuration
 */
export async function lookAtBooks(
	proxmox: ProxmoxClient,
	clusterId: string,
	{ differed, at }: { differed: Set<string>; at: Date }
): Promise<ClusterLook> {
	const first = await booksOf(clusterId);
	const resources = await proxmox.resources();
	// What came or went meanwhile is in one of the two, and no stranger.
	const books = await booksOf(clusterId);
	const held = await heldContainers(db, clusterId);
	const guests = new Map(
		resources.flatMap((one) =>
			(one.type === 'lxc' || one.type === 'qemu') && one.vmid !== undefined ? [[one.vmid, one]] : []
		)
	);
	const online = new Set(
		resources.flatMap((one) =>
			one.type === 'node' && one.node && one.status === 'online' ? [one.node] : []
		)
	);
	const look: ClusterLook = {
		...{ found: [], open: new Set(held), unguarded: new Set() },
		...{ silent: new Map(), grown: [] },
		compared: { containers: 0, guests: guests.size, configs: 0 }
	};
	const toRead: { row: Booked; node: string }[] = [];
	const turn = inTurn(books.rows, at);
	for (const row of books.rows) {
		if (held.has(row.id)) continue;
		const guest = guests.get(row.vmid);
		const seen = compareBulk(row, guest, online);
		if (!seen) {
			look.open.add(row.id);
			look.silent.set(row.nodeName, (look.silent.get(row.nodeName) ?? 0) + 1);
			continue;
		}
		look.compared.containers += 1;
		look.found.push(...seen.found);
		if (row.purpose === 'template' || guest?.type !== 'lxc' || !guest.node) continue;
		if (seen.isOdd || differed.has(row.id) || turn.has(row.id))
			toRead.push({ row, node: guest.node });
	}
	const seen = await readOurs(proxmox, toRead, look);
	const strangers = await readStrangers(proxmox, guests, clusterId, first, books);
	look.compared.configs = toRead.length + strangers.filter(({ config }) => config).length;
	for (const stranger of strangers) {
		const one = strangerFound(stranger, books.everKnown);
		if (one) look.found.push(one);
		seen.push({ ...stranger, address: ipOf(stranger.config?.net0) });
	}
	look.found.push(...addressesTwice(books.rows, seen));
	const compared = (id: string) => !look.open.has(id);
	const guarded = await haDrifts(proxmox, clusterId, compared);
	// It does not say: what was found of that before stays open.
	if (!guarded) look.unguarded = new Set(books.rows.map(({ id }) => id));
	look.found.push(...(guarded ?? []));
	return look;
}

/** Of the rows as many as are looked at in this span of time; a small cluster is whole each time. */
function inTurn(rows: Booked[], at: Date): Set<string> {
	const turns = Math.max(1, Math.ceil(rows.length / IN_TURN));
	const from = (Math.floor(at.getTime() / EVERY) % turns) * IN_TURN;
	return new Set(rows.slice(from, from + IN_TURN).map(({ id }) => id));
}

/** Who has which address according to its configuration. */
interface Seen {
	vmid: number;
	hostname: string;
	address: string | null;
}

async function readOurs(
	proxmox: ProxmoxClient,
	toRead: { row: Booked; node: string }[],
	look: ClusterLook
): Promise<Seen[]> {
	const seen: Seen[] = [];
	await eachOf(toRead, async ({ row, node }) => {
		const config = await configOf(proxmox, node, row.vmid);
		if (!config) {
			look.open.add(row.id);
			return;
		}
		const found = compareConfig(row, config);
		look.found.push(...found);
		const { vmid, hostname } = row;
		seen.push({ vmid, hostname: config.hostname ?? hostname, address: ipOf(config.net0) });
		if (!row.adopted || found.length > 0) return;
		const limits = limitsOf(config, row);
		const isOther =
			limits.cpu_cores !== row.cpuCores ||
			limits.ram_mb !== row.ramMb ||
			Math.ceil(limits.disk_gb) !== row.diskGb;
		if (isOther) look.grown.push({ id: row.id, limits });
	});
	return seen;
}

async function readStrangers(
	proxmox: ProxmoxClient,
	guests: Map<number, ClusterResource>,
	clusterId: string,
	...books: Books[]
) {
	const known = new Set(books.flatMap(({ rows }) => rows.map(({ vmid }) => vmid)));
	const strangers = [...guests.values()].flatMap((guest) => {
		const { vmid, node, name: hostname = `CT${vmid}`, template } = guest;
		if (guest.type !== 'lxc' || vmid === undefined || !node || known.has(vmid)) return [];
		if (books.some(({ ignored }) => ignored.has(`${vmid} ${hostname}`))) return [];
		const config: ContainerConfig | null = null;
		return [{ clusterId, vmid, hostname, template, node, status: guest.status, config }];
	});
	const read = new Map<number, ContainerConfig>();
	const answering = strangers.filter(({ status }) => status !== 'unknown');
	await eachOf(answering.slice(0, STRANGERS_READ), async ({ node, vmid }) => {
		const config = await configOf(proxmox, node, vmid);
		if (config) read.set(vmid, config);
	});
	return strangers.map((one) => ({ ...one, config: read.get(one.vmid) ?? null }));
}

/** Null when it went away, was moved or stopped answering while we looked: the next look tells. */
async function configOf(
	proxmox: ProxmoxClient,
	node: string,
	vmid: number
): Promise<ContainerConfig | null> {
	try {
		return await proxmox.containerConfig(node, vmid);
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		return null;
	}
}

function addressesTwice(rows: Booked[], seen: Seen[]): Found[] {
	const owners = new Map(rows.flatMap((row) => (row.address ? [[row.address, row]] : [])));
	return seen.flatMap((holder) => {
		const owner = holder.address ? owners.get(holder.address) : undefined;
		if (!owner || !holder.address || owner.vmid === holder.vmid) return [];
		return [addressTwice(owner, holder, holder.address)];
	});
}

async function eachOf<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
	for (let from = 0; from < items.length; from += READS_AT_A_TIME)
		await Promise.all(items.slice(from, from + READS_AT_A_TIME).map(work));
}
